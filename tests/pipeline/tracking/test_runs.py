"""MLflow runs on a real server: found or created, whatever people did in MLflow meanwhile."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.settings import Settings
from pipeline.tracking import MlflowServer, end_run, parent_run, step_run


@pytest.fixture
def settings(mlflow_server) -> Settings:
    return Settings(mlflow_uri=mlflow_server.uri, mlflow_retry_s=5)


@pytest.fixture
def recipe() -> str:
    return f"recipe-{uuid.uuid4().hex[:12]}"


def experiment(server: MlflowServer, name: str) -> dict[str, str]:
    found: dict[str, str] = server.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
    return found


def test_an_experiment_that_was_deleted_is_restored_with_its_runs(settings, recipe):
    server = MlflowServer(settings)
    before = parent_run(settings, recipe, "run-1")
    server.call("POST", "experiments/delete", {"experiment_id": experiment(server, recipe)["experiment_id"]})
    assert experiment(server, recipe)["lifecycle_stage"] == "deleted"
    assert step_run(settings, recipe, "run-2", "ingestion").id != before.id
    assert experiment(server, recipe)["lifecycle_stage"] == "active"
    assert parent_run(settings, recipe, "run-1").id == before.id
    end_run(settings, recipe, "run-2", "FINISHED")


def test_two_runs_that_restore_an_experiment_at_once_both_work(settings, recipe):
    server = MlflowServer(settings)
    parent_run(settings, recipe, "run-0")
    for round_number in range(5):
        server.call("POST", "experiments/delete", {"experiment_id": experiment(server, recipe)["experiment_id"]})
        with ThreadPoolExecutor(4) as pool:
            names = [f"run-{round_number}-{index}" for index in range(4)]
            assert len({run.id for run in pool.map(lambda name: parent_run(settings, recipe, name), names)}) == 4
