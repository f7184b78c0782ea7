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

    from pipeline.metrics.base import Metric
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings

SPLITS = {"test": "documents not seen in training", "held_out": "documents of groups not seen in training"}
SHOWN = {"a quarter": 0.25, "half": 0.5, "three quarters": 0.75}
"""Where in the order of scores the printed examples are, so that nobody picks them."""


def show_report(entry: LedgerEntry, recipe: Recipe, run: str, settings: Settings, console: Console) -> None:
    """Print the scores and examples of the report that a decision was made on, save its page and the decision's, and say where to look.

    Args:
        entry: the decision.
        recipe: the recipe of the run.
        run: id of the run in Airflow.
        settings: where the store and the servers are.
        console: where to print.
    """
    from pipeline.artifacts import open_artifacts
    from pipeline.metrics.load_metric import load_metric
    from pipeline.registry.decision_page import render_decision

    artifacts = open_artifacts(settings)
    reference = entry.challenger.report
    manifest = artifacts.resolve(reference) if reference else None
    if manifest is None:
        return
    state = settings.state.resolve()
    page, decision, data = (state / "reports" / f"{recipe.name}{suffix}.html" for suffix in ("", "-decision", "-data"))
    with tempfile.TemporaryDirectory(dir=state) as scratch:
        folder = artifacts.open(manifest, Path(scratch) / "report")
        report = json.loads((folder / "report.json").read_text())
        metric = load_metric(recipe.registration.gate.metric or report["scoring"]["primary"])
        _print_scores(report, metric, console)
        _print_examples(folder / "examples.parquet", metric, console)
        page.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / "report.html", page)
        checked = manifest.inputs.get("checked")
        looked = artifacts.resolve(checked) if checked else None
        if looked:
            shutil.copyfile(artifacts.open(looked, Path(scratch) / "data", ("report.html",)) / "report.html", data)
        decision.write_text(render_decision(recipe.registration.model, entry), encoding="utf-8")
    model, version = recipe.registration.model, entry.challenger.version
    console.print("\nWhere to look:")
    console.print(f"  report   {page}", markup=False)
    console.print(f"  decision {decision}", markup=False)
    if looked:
        console.print(f"  data     {data}", markup=False)
    console.print(f"  MLflow   {settings.mlflow_uri.rstrip('/')}/#/models/{model}/versions/{version}", markup=False)
    console.print(f"  Airflow  {settings.airflow_url.rstrip('/')}/dags/{recipe.name}/runs/{run}", markup=False)


def _print_scores(report: Mapping[str, Any], metric: Metric, console: Console) -> None:
    from pipeline.cli.console import new_table

    numbers = frozenset({metric.title, "95 % interval", "model ahead by"})
    for split, found in sorted(report["splits"].items(), reverse=True):
        groups = f" in {found['groups']} groups" if found["groups"] < found["examples"] else ""
        distinct = f", {found['texts']['model']['distinct']:.0%} distinct answers" if "texts" in found else ""
        console.print(f"\nScores on {split}: {found['examples']} {SPLITS.get(split, 'documents')}{groups}{distinct}")
        table = new_table(console, "system", metric.title, "95 % interval", "model ahead by", right=numbers)
        scored = {name: said[metric.name] for name, said in found["systems"].items() if metric.name in said}
        for name, score in sorted(scored.items(), key=lambda pair: -metric.sign * pair[1]["value"]):
            ahead = score.get("model_ahead")
            table.add_row(
                name.replace("_", " ") if ahead else f"[bold]{name}[/]",
                metric.show(score["value"]),
                f"{metric.show(score['low'])} to {metric.show(score['high'])}",
                " ".join((metric.show(ahead["value"], signed=True), _signed_interval(metric, ahead))) if ahead else "",
            )
        console.print(table)


def _signed_interval(metric: Metric, ahead: Mapping[str, float]) -> str:
    return f"({metric.show(ahead['low'], signed=True)} to {metric.show(ahead['high'], signed=True)})"


def _print_examples(path: Path, metric: Metric, console: Console) -> None:
    """Print three examples of the test split, ordered by score if one example has a score, else by id."""
    import numpy as np
    from pyarrow import parquet

    rows = [row for row in parquet.read_table(path).to_pylist() if row["split"] == "test"]
    if metric.per_example:
        rows.sort(key=lambda row: (metric.sign * float(metric.value(np.array(row[f"model.{metric.name}"]))), row["id"]))
    console.print(f"\nThree test examples{', ordered by score' if metric.per_example else ''}:")
    for place, share in SHOWN.items():
        row = rows[int(share * (len(rows) - 1))]
        body = " ".join(row["source"].split())
        note = f" (better than {place} of them)" if metric.per_example else ""
        console.print(f"\n  {row['name']}{note}", markup=False)
        console.print(f"    text       {body[:100]}{'…' if len(body) > 100 else ''}", markup=False)
        console.print(f"    reference  {row['reference']}", markup=False)
        if row.get("model.output") is not None:
            console.print(f"    model      {row['model.output']}", markup=False)
