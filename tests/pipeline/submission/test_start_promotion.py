"""Start the run that ends a proposal; only the end-to-end tests have a real Airflow."""

import re

import pytest
from fixtures.airflow_home import RECIPE
from fixtures.answers import airflow, answers

from pipeline.errors import BadInput
from pipeline.recipe import read_recipe
from pipeline.settings import Settings
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.start_promotion import start_promotion

__all__ = ["airflow", "answers"]

DAG, RUNS, QUESTIONS = (f"/api/v2/dags/mine.promote{rest}" for rest in ("", "/dagRuns", "/dagRuns/~/hitlDetails"))


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.format(name="mine"))
    return read_recipe(path)


@pytest.fixture
def start(airflow, recipe):
    """Start the promotion of proposal 3; ``asked`` are the subjects of the tasks that wait."""
    airflow.of[DAG] = (200, {"dag_id": "mine.promote", "is_paused": False, "is_stale": False})
    airflow.of[RUNS] = (200, {})

    def run(*asked):
        task = {"dag_id": "mine.promote", "dag_run_id": "r", "task_id": "approval_1", "map_index": -1, "state": "awaiting_input"}
        rows = [{"task_instance": task, "subject": subject, "assigned_users": []} for subject in asked]
        airflow.of[QUESTIONS] = (200, {"hitl_details": rows, "total_entries": len(rows)})
        return start_promotion(Airflow(Settings(airflow_url=airflow.url)), recipe, 3)

    return run


def test_a_run_is_started_unless_one_asks_about_this_proposal_of_this_model(start, airflow, recipe):
    name = recipe.registration.model
    assert start(f"Promote version 2 of {name}? (proposal 3)") is None
    assert f"POST {RUNS}" not in airflow.asked
    others = (f"Promote version 2 of {name}? (proposal 13)", "Promote version 2 of another? (proposal 3)")
    assert re.fullmatch(r"mine\.promote-\d{8}-\d{6}-[0-9a-f]{4}", start(*others))
    assert f"POST {RUNS}" in airflow.asked


def test_a_dag_that_is_missing_or_paused_is_one_line(start, airflow):
    airflow.of[DAG] = (200, {"dag_id": "mine.promote", "is_paused": True, "is_stale": False})
    with pytest.raises(BadInput, match=r"the DAG mine\.promote is paused; fix: unpause it"):
        start()
    del airflow.of[DAG]
    with pytest.raises(BadInput, match=r"Airflow has no DAG mine\.promote"):
        start()
    assert f"POST {RUNS}" not in airflow.asked
