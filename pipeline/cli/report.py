"""Print what an evaluation report says: scores of the model and the baselines, examples, and where to look for more."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings

SPLITS = {"test": "documents not seen in training", "held_out": "documents of groups not seen in training"}
SHOWN = {"a quarter": 0.25, "half": 0.5, "three quarters": 0.75}
"""Where in the order of scores the printed examples are, so that nobody picks them."""


def show_report(entry: LedgerEntry, recipe: Recipe, run: str, settings: Settings, console: Console) -> None:
    """Print the scores and examples of the report that a decision was made on, save its page, and say where to look.

    Args:
        entry: the decision.
        recipe: the recipe of the run.
        run: id of the run in Airflow.
        settings: where the store and the servers are.
        console: where to print.
    """
    from pipeline.artifacts import open_artifacts

    artifacts = open_artifacts(settings)
    reference = entry.challenger.report
    manifest = artifacts.resolve(reference) if reference else None
    if manifest is None:
        return
    state, metric = settings.state.resolve(), recipe.registration.gate.metric
    page = state / "reports" / f"{recipe.name}.html"
    with tempfile.TemporaryDirectory(dir=state) as scratch:
        folder = artifacts.open(manifest, Path(scratch) / "report")
        _print_scores(json.loads((folder / "report.json").read_text()), metric, console)
        _print_examples(folder / "examples.parquet", metric, console)
        page.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / "report.html", page)
    model, version = recipe.registration.model, entry.challenger.version
    console.print("\nWhere to look:")
    console.print(f"  report   {page}", markup=False)
    console.print(f"  MLflow   {settings.mlflow_uri.rstrip('/')}/#/models/{model}/versions/{version}", markup=False)
    console.print(f"  Airflow  {settings.airflow_url.rstrip('/')}/dags/{recipe.name}/runs/{run}", markup=False)


def _print_scores(report: Mapping[str, Any], metric: str, console: Console) -> None:
    from pipeline.cli.console import new_table

    numbers = frozenset({metric, "95 % interval", "model ahead by", "bits/byte"})
    for split, found in sorted(report["splits"].items(), reverse=True):
        console.print(
            f"\nScores on {split}: {found['examples']} {SPLITS.get(split, 'documents')}, {found['distinct']:.0%} distinct outputs"
        )
        table = new_table(console, "system", metric, "95 % interval", "model ahead by", "bits/byte", right=numbers)
        for name, scored in sorted(found["systems"].items(), key=lambda pair: -pair[1][metric]["mean"]):
            score, likelihood = scored[metric], found["likelihood"].get(name)
            ahead = score.get("model_ahead")
            table.add_row(
                name.replace("_", " ") if ahead else f"[bold]{name}[/]",
                f"{score['mean']:.1f}",
                f"{score['low']:.1f} to {score['high']:.1f}",
                f"{ahead['mean']:+.1f} ({ahead['low']:+.1f} to {ahead['high']:+.1f})" if ahead else "",
                f"{likelihood['bits_per_byte']['mean']:.2f}" if likelihood else "",
            )
        console.print(table)


def _print_examples(path: Path, metric: str, console: Console) -> None:
    """Print three examples of the test split."""
    from pyarrow import parquet

    rows = [row for row in parquet.read_table(path).to_pylist() if row["split"] == "test"]
    rows.sort(key=lambda row: (row[f"model.{metric}"], row["id"]))
    console.print("\nThree test examples, ordered by score:")
    for place, share in SHOWN.items():
        row = rows[int(share * (len(rows) - 1))]
        body = " ".join(row["source"].split())
        console.print(f"\n  {row['name']} (better than {place} of them)", markup=False)
        console.print(f"    text       {body[:100]}{'…' if len(body) > 100 else ''}", markup=False)
        console.print(f"    reference  {row['reference']}", markup=False)
        console.print(f"    model      {row['model.output']}", markup=False)
