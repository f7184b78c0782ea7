"""``trainshed models compare``: two versions on one test set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.models.arguments import Model, open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from pipeline.registry.compare_versions import ComparedMetric

Version = Annotated[str, typer.Argument(help="Number of a version, or an alias such as champion.", metavar="VERSION")]


def compare(model: Model, first: Version, second: Version) -> None:
    """Score two versions on one test set. A version that was not scored on it is evaluated on this machine."""
    from pipeline.artifacts import open_store
    from pipeline.cli.console import open_console
    from pipeline.errors import BadInput
    from pipeline.local.command import is_reference
    from pipeline.local.score_versions import score_versions
    from pipeline.registry.compare_versions import compare_scores
    from pipeline.registry.gate import count_groups
    from pipeline.registry.version_names import model_of_version
    from pipeline.runs.names import new_run_name
    from pipeline.settings import load_settings

    settings, console = load_settings(), open_console()
    open_ledger(open_store(settings), model, settings)
    names = [f"{model}/{version}" if version.isdigit() else f"{model}@{version}" for version in (first, second)]
    models = [model_of_version(name, settings)[1] for name in names]
    if models[0].digest == models[1].digest:
        raise BadInput(f"{names[0]} and {names[1]} are the same model", "two different ones", f"see `trainshed models show {model}`")

    def show_line(line: str) -> None:
        if not is_reference(line):
            console.print(f"evaluation: {line}", markup=False)

    scored = score_versions(settings, model, models, f"compare-{new_run_name(model)}", show_line)
    compared, groups = compare_scores(*scored.scores), scored.scores[0].groups
    console.print(comparison_table(compared, first, second, console))
    console.print(
        f"{len(groups)} test examples in {count_groups(groups)} groups of corpus {scored.corpus.fingerprint[:12]}. The difference is paired, its "
        f"interval counts groups; above zero, {_label(second)} is better.",
        markup=False,
    )
    console.print("This comparison decides nothing, and the gate does not count it.", markup=False)


def comparison_table(compared: Sequence[ComparedMetric], first: str, second: str, console: Console) -> Table:
    """One row for each metric."""
    from pipeline.cli.console import new_table
    from pipeline.registry.compare_versions import TAIL

    titles = ("metric", _label(first), _label(second), "difference", "95% interval", f"{_label(second)} is")
    table = new_table(console, *titles, right=frozenset(titles[1:5]))
    for row in compared:
        metric, interval = row.metric, row.ahead.interval(TAIL)
        table.add_row(
            metric.name,
            metric.show(row.first, more=1),
            metric.show(row.second, more=1),
            metric.show(row.ahead.value, signed=True, more=1),
            " to ".join(metric.show(end, signed=True, more=1) for end in interval) if interval else "",
            row.verdict,
        )
    return table


def _label(version: str) -> str:
    return f"version {version}" if version.isdigit() else version
