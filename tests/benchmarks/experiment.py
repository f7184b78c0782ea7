"""What Airflow adds to a trial: the same study through Airflow and with ``--local``, one trial at a time, on the same store.

Both studies find the steps that trials share in the store, and run eight trainings in processes of their own. What is left over is Airflow's
part: the task of each trial, and its share of the tasks between two rounds.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from benchmarks.in_turn import interleaved, spread
from fixtures.line import small_recipe

from pipeline.cli.experiments import DAG_FILE
from pipeline.experiments.shape import study_shape
from pipeline.recipe.overrides import replace_fields
from pipeline.runs.names import EXPERIMENT, dag_name
from pipeline.settings import load_settings
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.__main__ import Bench

TRIALS = 8


def experiment_rows(bench: Bench) -> list[tuple[str, str, str]]:
    """Rows for the table."""
    bench.trainshed("up")
    try:
        study = _Study(bench.folder)
        bench.trainshed("experiment", str(study.file("shared", trials=1)), "--local")
        there, here, noops = interleaved(
            lambda: _in_airflow(bench, study.file("there")),
            lambda: bench.timed("experiment", str(study.file("here")), "--local"),
            lambda: bench.trigger_to_success("noop_six"),
            rounds=3,
        )
    finally:
        bench.trainshed("down")
    added = statistics.median((airflow - local) / TRIALS / (noop / 6) for airflow, local, noop in zip(there, here, noops, strict=True))
    return [
        (f"a study of {TRIALS} trials through Airflow, trigger → success", spread(there), ""),
        (f"a study of {TRIALS} trials with `--local`, whole process", spread(here), ""),
        ("what Airflow adds to a trial, in chained no-op tasks", f"{added:.2f}", "≤ 2"),
    ]


def _in_airflow(bench: Bench, file: Path) -> float:
    """Seconds of the DAG run; Airflow has its DAG before."""
    settings = load_settings(bench.folder / "state")
    recipe = submit_recipe(file, settings)
    dag = dag_name(recipe.name, EXPERIMENT)
    wait_for_tasks(Airflow(settings), dag, frozenset(study_shape(recipe).task_ids), DAG_FILE)
    return bench.trigger_to_success(dag)


class _Study:
    """Recipes of studies that no store knows: each has seeds of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seed = folder, 0

    def file(self, name: str, trials: int = TRIALS) -> Path:
        """The file of a new one."""
        seeds = list(range(self.seed, self.seed + trials))
        self.seed += trials
        experiment = {"search": {"finetuning.seed": {"values": seeds}}, "method": "grid"}
        recipe = replace_fields(small_recipe(self.folder), {"name": f"{name}-{self.seed}", "experiment": experiment}, "the bench")
        path = self.folder / f"{recipe.name}.yaml"
        path.write_text(json.dumps(recipe.model_dump(mode="json", exclude_none=True)))
        return path
