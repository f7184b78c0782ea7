"""``trainshed demo``: from nothing to a champion, and what it learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

RECIPE = "pydocs"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    recipe: Annotated[str, typer.Argument(help="The recipe to run.")] = RECIPE,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack up afterwards.")] = False,
) -> None:
    """Start the stack, run a recipe through Airflow, show what was learned, stop the stack."""
    import time

    from pipeline.cli.console import open_console
    from pipeline.cli.progress import span
    from pipeline.cli.runs import run
    from pipeline.cli.stack import bring_up, log_ins
    from pipeline.launchers.base import end_steps_of
    from pipeline.recipe import find_recipe
    from pipeline.settings import load_settings
    from pipeline.stack import stack

    console = open_console()
    settings = load_settings()
    found = find_recipe(recipe, settings.recipe_folders)
    try:
        bring_up(settings)
        settings = load_settings(settings.state)
        began = time.monotonic()
        run(recipe)
        console.print(f"from stack up to decision: {span(time.monotonic() - began)}")
        show_learned(found, settings, console)
        if keep:
            console.print(log_ins(settings))
    finally:
        if not keep:
            stack.down(settings, end_steps=end_steps_of(settings))
            console.print("the stack is stopped; `make demo KEEP=1` leaves it up, `make demo` again finds everything done")


def show_learned(recipe: Recipe, settings: Settings, console: Console) -> None:
    """Print the scores of the newest decision's model beside everything it was compared with, examples, and where to look."""
    import json
    import tempfile
    from pathlib import Path

    from pipeline.artifacts import open_artifacts
    from pipeline.registry.ledger import Ledger

    artifacts = open_artifacts(settings)
    ledger = Ledger(artifacts.store, recipe.registration.model)
    entry = ledger.head()
    if entry is None or entry.challenger.report is None:
        return
    reference = entry.challenger.report
    manifest = artifacts.find(reference.stage, reference.fingerprint)
    if manifest is None:
        return
    state = settings.state.resolve()
    with tempfile.TemporaryDirectory(dir=state) as scratch:
        folder = artifacts.open(manifest, Path(scratch) / "report")
        _scores(json.loads((folder / "report.json").read_text()), console)
        _examples(folder / "examples.parquet", console)
    champion = ledger.champion(entry)
    alias = "champion" if champion and champion.digest == entry.digest else "challenger"
    console.print(f"\nregistered: models:/{recipe.registration.model}/{entry.challenger.version}, alias {alias}")
    console.print(
        f"the report: trainshed artifacts get {reference.stage} {reference.fingerprint[:12]} report, then open report/report.html"
    )


def _scores(report: Mapping[str, Any], console: Console) -> None:
    from rich import box
    from rich.table import Table

    for split, found in sorted(report["splits"].items(), reverse=True):
        what = "whole packages never seen in training" if split == "held_out" else "documents never seen in training"
        table = Table(box=box.SIMPLE_HEAD, title=f"{split}: {found['examples']} {what}", title_justify="left")
        table.add_column("system", no_wrap=True)
        for heading in ("ROUGE-L", "95 % interval", "model ahead by", "bits/byte"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, scored in sorted(found["systems"].items(), key=lambda pair: -pair[1]["rougeL"]["mean"]):
            rouge, likelihood = scored["rougeL"], found["likelihood"].get(name)
            ahead = rouge.get("model_ahead")
            table.add_row(
                f"[bold]{name}[/]" if ahead is None else name.replace("_", " "),
                f"{rouge['mean']:.1f}",
                f"{rouge['low']:.1f} to {rouge['high']:.1f}",
                f"{ahead['mean']:+.1f} ({ahead['low']:+.1f} to {ahead['high']:+.1f})" if ahead else "",
                f"{likelihood['bits_per_byte']['mean']:.2f}" if likelihood else "",
            )
        console.print(table)
        console.print(f"distinct outputs: {found['distinct']:.0%}")


def _examples(path: Path, console: Console) -> None:
    """Three examples of the test split: the median one and those at a quarter from either end, so none is picked by hand."""
    from pyarrow import parquet

    rows = [row for row in parquet.read_table(path).to_pylist() if row["split"] == "test"]
    rows.sort(key=lambda row: (row["model.rougeL"], row["id"]))
    console.print("\nthree examples, at a quarter, a half and three quarters of the scores:")
    for share in (0.25, 0.5, 0.75):
        row = rows[int(share * (len(rows) - 1))]
        body = " ".join(row["source"].split())
        console.print(f"\n  {row['name']}: {body[:120]}{'…' if len(body) > 120 else ''}", markup=False)
        console.print(f"    written by a person: {row['reference']}", markup=False)
        console.print(f"    written by the model: {row['model.output']}", markup=False)
