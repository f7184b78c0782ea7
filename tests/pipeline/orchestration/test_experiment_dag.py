"""The DAG of an experiment: shared steps once, a mapped task for each step that differs, one task between two rounds."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import TriggerRule
from airflow.serialization.serialized_objects import DagSerialization
from fixtures.line import small_recipe

from pipeline.errors import BadInput
from pipeline.experiments.shape import study_shape
from pipeline.orchestration.experiment_dag import experiment_dag
from pipeline.orchestration.experiment_operators import check_form
from pipeline.recipe.overrides import replace_fields
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

DAGS = Path(__file__).parents[3] / "dags"


def searching(recipe: Recipe, **experiment: Any) -> Recipe:
    return replace_fields(recipe, {"experiment": {"method": "random", "trials": 4, **experiment}}, "a test")


RATE = {"finetuning.learning_rate": {"low": 0.001, "high": 0.03, "log": True}}


def upstream(dag: Any) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


@pytest.mark.parametrize("launcher", ["process", "docker", "kubernetes", "trainjob"])
def test_trials_are_mapped_and_shared_steps_are_not(tmp_path: Path, launcher: str) -> None:
    recipe = searching(small_recipe(tmp_path), search=RATE, at_once=2, halving={"rungs": [recipe_every(tmp_path)], "keep": 0.5})
    dag = experiment_dag(recipe, Settings(launcher=launcher))
    dag.validate()
    assert dag.dag_id == "small.experiment"
    shared = {step.id for step in study_shape(recipe).shared}
    assert {"ingestion", "tokenization"} <= shared
    edges = upstream(dag)
    assert edges["ask_1"] == {"plan", *shared}
    assert edges["finetuning_1"] == {"ask_1"}
    assert edges["ask_2"] == {"finetuning_1"}
    assert edges["close"] == {"finetuning_2"}
    assert set(edges) == set(study_shape(recipe).task_ids)
    trial = dag.get_task("finetuning_1")
    assert (trial.is_mapped, trial.max_active_tis_per_dagrun, trial.partial_kwargs["step"].emits) == (True, 2, ())
    # a trial that fails must not stop the study; a round that was not asked for must
    assert trial.trigger_rule == TriggerRule.ALL_SUCCESS
    assert [dag.get_task(name).trigger_rule for name in ("ask_1", "ask_2", "close")] == [
        TriggerRule.NONE_FAILED,
        *[TriggerRule.ALL_DONE] * 2,
    ]
    made = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    assert set(made.task_dict) == set(edges)
    own = trial.unmap({"ask": 3})
    assert (own.ask, own.step_id, own.task_id) == (3, "finetuning", "finetuning_1")


def recipe_every(tmp_path: Path) -> int:
    """The first validation of the small recipe's training."""
    training = small_recipe(tmp_path).finetuning
    assert training is not None
    return training.evaluate_every


def test_every_step_after_the_first_that_differs_is_mapped_and_waits_for_a_look(tmp_path: Path) -> None:
    recipe = replace_fields(small_recipe(tmp_path), {"finetuning.stop_on": "rougeL"}, "a test")
    recipe = searching(recipe, search={"tokenizer.vocabulary": {"values": [300, 400]}}, trials=None, method="grid")
    shape = study_shape(recipe)
    assert [step.id for step in shape.shared] == ["ingestion"]
    edges = upstream(experiment_dag(recipe, Settings()))
    own = [step.id for step in shape.own]
    assert own[0] == "tokenization"
    for before, step in pairwise(own):
        assert edges[f"need_{step}_1"] == {f"{before}_1"}
        assert edges[f"{step}_1"] == {f"need_{step}_1"}


def test_tpe_has_a_round_for_each_group(tmp_path: Path) -> None:
    shape = study_shape(searching(small_recipe(tmp_path), search=RATE, method="tpe", trials=7, at_once=2))
    assert shape.rounds == 4


def test_parsing_it_imports_nothing_heavy(recipe_folder: Path, tmp_path: Path) -> None:
    recipe = searching(small_recipe(tmp_path), search=RATE)
    (recipe_folder / "small.yaml").write_text(json.dumps(recipe.model_dump(mode="json", exclude_none=True)))
    program = (
        "import json, runpy, sys; import airflow.sdk\n"
        f"found = runpy.run_path({str(DAGS / 'experiment.py')!r})\n"
        "assert 'small.experiment' in found\n"
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))"
    )
    environment = {"TRAINSHED_STATE": str(recipe_folder.parent), "AIRFLOW_HOME": str(recipe_folder.parent / "airflow"), "PATH": ""}
    out = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    heavy = {"torch", "mlflow", "boto3", "botocore", "pandas", "numpy", "pyarrow", "transformers", "datasets", "scipy", "optuna"}
    assert set(json.loads(out.splitlines()[-1])).isdisjoint(heavy)


def test_a_field_that_the_form_has_not_is_refused() -> None:
    check_form({"register": True})
    with pytest.raises(BadInput, match=r"unknown field of the trigger form 'registre'.*did you mean 'register'"):
        check_form({"registre": True})
