"""The DAG files: tasks and edges, imports while parsing, and the effect of an invalid recipe."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.utils.types import DagRunType
from fixtures.airflow_home import RECIPE

from pipeline.errors import BadInput
from pipeline.operators.exit_codes import AIRFLOW_RETRIES
from pipeline.orchestration.dag import line_dag
from pipeline.recipe import find_recipe, read_recipe
from pipeline.settings import Settings

DAGS = Path(__file__).parents[2] / "dags"

EDGES = {
    "plan": [],
    "ingestion": ["plan"],
    "tokenization": ["ingestion", "plan"],
    "pretraining": ["plan", "tokenization"],
    "finetuning": ["plan", "pretraining", "tokenization"],
    "evaluation": ["finetuning", "ingestion", "plan"],
    "champion_evaluation": ["ingestion", "plan"],
    "registration": ["champion_evaluation", "evaluation", "finetuning", "plan"],
}


def parse(file: str, state: Path, monkeypatch) -> dict:
    monkeypatch.setenv("TRAINSHED_STATE", str(state))
    return runpy.run_path(str(DAGS / file))


def first_dag(recipe_folder: Path, text: str = RECIPE.format(name="first")):
    (recipe_folder / "first.yaml").write_text(text)
    return line_dag(read_recipe(recipe_folder / "first.yaml"), Settings(state=recipe_folder.parent))


def test_a_dag_has_the_lines_steps_and_plan_before_each(recipe_folder, monkeypatch):
    dag = parse("train.py", recipe_folder.parent, monkeypatch)["first"]
    assert {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} == EDGES
    assert {task.trigger_rule.value for task in dag.tasks if task.task_id != "plan"} == {"none_failed"}
    assert all(task.retries == AIRFLOW_RETRIES for task in dag.tasks)
    assert (dag.max_active_runs, dag.catchup, dag.schedule) == (1, False, None)
    # those of a back-fill are not among the one at a time
    assert {kind.value for kind in DagRunType} - {kind.value for kind in dag.allowed_run_types} == {"backfill"}


def test_a_recipe_without_pretraining_has_no_such_task(recipe_folder):
    text = RECIPE.format(name="first").replace("pretraining: {objective: span_corruption, steps: 20}\n", "")
    dag = first_dag(recipe_folder, text)
    assert "pretraining" not in dag.task_dict
    assert sorted(dag.get_task("finetuning").upstream_task_ids) == ["plan", "tokenization"]


def test_nothing_heavy_is_imported_while_parsing(recipe_folder):
    program = (
        "import json, runpy, sys; import airflow.sdk\n"
        f"found = runpy.run_path({str(DAGS / 'train.py')!r})\n"
        "assert 'first' in found\n"
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))"
    )
    environment = {"TRAINSHED_STATE": str(recipe_folder.parent), "AIRFLOW_HOME": str(recipe_folder.parent / "airflow"), "PATH": ""}
    out = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    imported = set(json.loads(out.splitlines()[-1]))
    assert imported.isdisjoint({"torch", "mlflow", "boto3", "botocore", "pandas", "numpy", "pyarrow", "transformers", "datasets", "scipy"})


def test_a_task_that_runs_parses_its_own_dag_only(recipe_folder, monkeypatch):
    (recipe_folder / "second.yaml").write_text(RECIPE.format(name="second"))
    assert {"first", "second"} <= parse("train.py", recipe_folder.parent, monkeypatch).keys()
    # how Airflow's task runner says it; its own context manager does not take it back
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "second")
    found = parse("train.py", recipe_folder.parent, monkeypatch)
    assert "second" in found
    assert "first" not in found


def test_an_invalid_recipe_stops_no_other_and_is_an_import_error_of_a_separate_file(recipe_folder, monkeypatch):
    (recipe_folder / "second.yaml").write_text(RECIPE.format(name="second").replace("finetuning:", "finetunin:"))
    found = parse("train.py", recipe_folder.parent, monkeypatch)
    assert "first" in found
    assert "second" not in found
    with pytest.raises(BadInput, match=r"recipe second: unknown field in second\.yaml.*'finetunin'.*did you mean 'finetuning'"):
        parse("invalid_recipes.py", recipe_folder.parent, monkeypatch)


def test_without_an_invalid_recipe_that_file_imports(recipe_folder, monkeypatch):
    assert parse("invalid_recipes.py", recipe_folder.parent, monkeypatch)["errors"] == ()


def test_airflow_finds_both_words_it_looks_for_in_a_dag_file():
    for file in DAGS.glob("*.py"):
        text = file.read_text().lower()
        assert "dag" in text, file
        assert "airflow" in text, file


def test_every_recipe_in_git_becomes_a_dag(tmp_path):
    settings = Settings(state=tmp_path)
    for path in sorted((DAGS / "recipes").glob("*.yaml")):
        dag = line_dag(find_recipe(path.stem, settings.recipe_folders), settings)
        assert dag.dag_id == path.stem
        dag.validate()


def test_corpus_model_and_promotion_are_assets(recipe_folder):
    dag = first_dag(recipe_folder)
    told = {task.task_id: [getattr(outlet, "uri", None) or outlet.name for outlet in task.outlets] for task in dag.tasks if task.outlets}
    assert told == {
        "ingestion": ["x-trainshed://first/corpus"],
        "finetuning": ["x-trainshed://first/model"],
        "registration": ["first.promotion-decided", "first.proposal-decided"],
    }


def test_the_files_docstring_is_the_dags_manual(recipe_folder, monkeypatch):
    dag = parse("train.py", recipe_folder.parent, monkeypatch)["first"]
    assert "A recipe for tests." in dag.doc_md
    assert "**When it is red.**" in dag.doc_md
    assert "| `finetuning.learning_rate` | `0.003` | Peak learning rate of Adam" in dag.doc_md


def test_airflow_can_store_the_dag_and_read_it_back(recipe_folder):
    from airflow.serialization.serialized_objects import DagSerialization

    dag = first_dag(recipe_folder)
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert {task.task_id for task in stored.tasks} == set(EDGES)
    assert stored.params.dump()["finetuning.steps"] == 20
    assert not any(task.params.dump() for task in dag.tasks), "each task has a copy of the form, which costs time in every task"


def test_an_unknown_launcher_gets_the_near_name(recipe_folder):
    with pytest.raises(BadInput, match=r"unknown launcher 'proces'.*did you mean 'process'"):
        line_dag(read_recipe(recipe_folder / "first.yaml"), Settings(state=recipe_folder.parent, launcher="proces"))


@pytest.mark.parametrize("slots", [None, 2])
def test_steps_that_train_take_a_slot_of_the_pool_where_there_is_one(recipe_folder, slots):
    dag = line_dag(read_recipe(recipe_folder / "first.yaml"), Settings(state=recipe_folder.parent, training_slots=slots))
    trains = {"pretraining", "finetuning"}
    assert {task.pool for task in dag.tasks if task.task_id in trains} == {"trainshed-training" if slots else "default_pool"}
    assert {task.pool for task in dag.tasks if task.task_id not in trains} == {"default_pool"}
