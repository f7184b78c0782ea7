"""``trainshed data diff``: what changed from one corpus to another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.data.arguments import CORPUS, open_corpora

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.corpora.difference import Difference
    from pipeline.corpora.facts import CorpusFacts

SHOWN = 5
"""Documents of each kind that are named."""

CLASSES = 20


def diff(
    first: Annotated[str, typer.Argument(help=CORPUS, metavar="CORPUS")],
    second: Annotated[str, typer.Argument(help="The corpus that it is compared with.", metavar="CORPUS")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare two corpora: documents added and removed by id, changed counts, lengths and classes."""
    from pipeline.cli.console import open_console
    from pipeline.corpora.difference import compare_corpora
    from pipeline.corpora.facts import read_facts

    with open_corpora(first, second) as (before, after):
        old, new = read_facts(before.folder), read_facts(after.folder)
        found = compare_corpora(before.folder, after.folder, max(old.documents, new.documents))
    counts = {
        name: (before.manifest.counts.get(name, 0), after.manifest.counts.get(name, 0))
        for name in {**before.manifest.counts, **after.manifest.counts}
        if before.manifest.counts.get(name, 0) != after.manifest.counts.get(name, 0)
    }
    if as_json:
        ids = {
            name: [{"split": split, "id": one} for split, one in listed]
            for name, listed in (("added", found.added_ids), ("removed", found.removed_ids))
        }
        documents = {"added": dict(found.added), "removed": dict(found.removed), "kept": dict(found.kept), "moved": found.moved}
        typer.echo(json.dumps({"documents": documents, "first_ids": ids, "counts": counts, "facts": [old.plain(), new.plain()]}, indent=2))
        return
    console = open_console()
    for name, corpus in (("from", before), ("to  ", after)):
        console.print(f"{name} {corpus.title}", markup=False)
    if before.manifest.digest == after.manifest.digest:
        console.print("they are the same, byte for byte")
        return
    console.print(_documents(found, old, new, console))
    if found.moved:
        console.print(f"{found.moved:,} of the added ones come from another split of the first corpus")
    for what, listed in (("added", found.added_ids), ("removed", found.removed_ids)):
        if listed:
            more = ", …" if len(listed) > SHOWN else ""
            console.print(f"{what}: {', '.join(f'{one} ({split})' for split, one in listed[:SHOWN])}{more}", markup=False)
    if counts:
        console.print(_table("count", dict(sorted(counts.items())), console))
    classes = {name: (old.classes[name], new.classes[name]) for name in sorted({*old.classes, *new.classes})}
    changed = {name: pair for name, pair in classes.items() if pair[0] != pair[1]}
    if changed:
        most = sorted(changed.items(), key=lambda pair: (-abs(pair[1][1] - pair[1][0]), pair[0]))
        console.print(_table("class", dict(most[:CLASSES]), console))


def _documents(found: Difference, old: CorpusFacts, new: CorpusFacts, console: Console) -> Table:
    """Documents and lengths by split."""
    from pipeline.cli.console import new_table

    numbers = ("before", "after", "added", "removed", "mean length before", "after ")
    table = new_table(console, "split", *numbers, right=frozenset(numbers))
    for name in {**old.splits, **new.splits}:
        before, after = old.splits.get(name), new.splits.get(name)
        table.add_row(
            name,
            f"{before.documents if before else 0:,}",
            f"{after.documents if after else 0:,}",
            f"{found.added[name]:,}",
            f"{found.removed[name]:,}",
            f"{before.lengths.mean if before else 0:,.0f}",
            f"{after.lengths.mean if after else 0:,.0f}",
        )
    return table


def _table(what: str, pairs: dict[str, tuple[int, int]], console: Console) -> Table:
    from pipeline.cli.console import new_table

    table = new_table(console, what, "before", "after", "change", right=frozenset({"before", "after", "change"}))
    for name, (before, after) in pairs.items():
        table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}")
    return table
