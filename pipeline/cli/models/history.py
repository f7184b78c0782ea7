"""``trainshed models history``: the quality of a model over time, as a table and as a page with a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.models.arguments import Model, open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from pipeline.registry.quality import Judged

BAR = 24
"""Width of the longest bar, in characters."""


def history(
    model: Model,
    last: Annotated[int, typer.Option("--last", min=1, help="How many entries of the ledger to read.", metavar="N")] = 100,
    page: Annotated[bool, typer.Option("--page", help="Also draw a page with a plot, here and in the store.")] = False,
) -> None:
    """Show the quality of a model over time, with a bar for each decision, or on a page with a plot."""
    from pipeline.artifacts import open_store
    from pipeline.cli.console import open_console
    from pipeline.errors import BadInput
    from pipeline.registry.quality import judged, served
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    store = open_store(settings)
    ledger = open_ledger(store, model, settings)
    head = ledger.newest()
    entries = list(ledger.newest_first(head, max(0, head.number - last)))
    found = judged(entries)
    if not found:
        raise BadInput(f"none of the newest {min(last, head.number)} entries of {model} measured anything", "", "read more with --last")
    console.print(history_table(found, console))
    if page:
        # the plot costs more than everything else here
        from pipeline.pages.history_page import render_history
        from pipeline.pages.place import ROOT, copy_page, history_name, keep_page

        text, name = render_history(model, found, served(entries)), history_name(model)
        keep_page(store, name, text)
        console.print(f"page: {copy_page(settings, name, text)} (in the store: {ROOT}/{name})", markup=False)


def history_table(found: Sequence[Judged], console: Console) -> Table:
    """One row for each decision that measured something, oldest first, with a bar between the least and the largest value."""
    from pipeline.cli.console import new_table
    from pipeline.cli.models.words import show_time
    from pipeline.metrics.load_metric import load_metric

    table = new_table(
        console,
        "entry",
        "time",
        "version",
        "decision",
        "value",
        "champion then",
        "",
        right=frozenset({"entry", "version", "value", "champion then"}),
    )
    before = ""
    for row in found:
        metric = load_metric(row.quality.metric)
        values = [other.quality.value for other in found if other.quality.metric == row.quality.metric]
        low, high = min(values), max(values)
        width = 1 + round((BAR - 1) * ((row.quality.value - low) / (high - low))) if high > low else BAR
        fresh = " another test set" if before and row.test_set and row.test_set != before else ""
        before = row.test_set or before
        table.add_row(
            str(row.entry.number),
            show_time(row.entry.time),
            str(row.entry.challenger.version),
            row.entry.decision.value.replace("_", " "),
            f"{metric.show(row.quality.value, more=1)} {metric.name}",
            "" if row.champion is None else metric.show(row.champion, more=1),
            f"{'▇' * width}{fresh}",
        )
    return table
