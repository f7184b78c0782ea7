"""The check of Airflow, by a server that answers as Airflow does; `tests/end_to_end` asks a real one."""

import pytest
from fixtures.mlflow import free_port
from fixtures.shipped import RECIPES

from pipeline.doctor.run_check import run_check
from pipeline.settings import Settings


def ask(airflow):
    return run_check("airflow", Settings(airflow_url=airflow.url))


def test_all_is_well(airflow):
    (finding,) = ask(airflow)
    assert finding.state == "ok"
    assert f"{len(RECIPES)} DAGs" in finding.got


def test_one_that_does_not_answer_is_unreachable(monkeypatch):
    monkeypatch.setattr("pipeline.doctor.airflow.RETRY_S", 0.0)
    (finding,) = run_check("airflow", Settings(airflow_url=f"http://127.0.0.1:{free_port()}"))
    assert (finding.state, finding.fix) == ("unreachable", "run `trainshed up`")


def test_a_refused_log_in_is_an_error(airflow):
    airflow.of["/auth/token"] = (401, {"detail": "Invalid credentials"})
    (finding,) = ask(airflow)
    assert (finding.state, finding.fix) == ("error", "set TRAINSHED_AIRFLOW_USERNAME and TRAINSHED_AIRFLOW_PASSWORD")


@pytest.mark.parametrize(
    ("path", "body", "state", "says"),
    [
        ("version", {"version": "3.1.0"}, "warning", "is version 3.1.0"),
        (
            "dags",
            {"dags": [{"dag_id": name} for name in RECIPES[:-1]], "total_entries": len(RECIPES) - 1},
            "unreachable",
            f"no DAG for recipe {RECIPES[-1]!r}",
        ),
        (
            "dags",
            {"dags": [{"dag_id": name, "is_paused": name == "pydocs"} for name in RECIPES], "total_entries": len(RECIPES)},
            "warning",
            "is paused",
        ),
        (
            "importErrors",
            {
                "import_errors": [{"filename": "x.py", "timestamp": "t", "stack_trace": "Traceback\nImportError: no such thing"}],
                "total_entries": 1,
            },
            "warning",
            "ImportError: no such thing",
        ),
    ],
)
def test_a_problem_is_named(path, body, state, says, airflow):
    airflow.of[f"/api/v2/{path}"] = (200, body)
    (finding,) = ask(airflow)
    assert finding.state == state
    assert says in finding.got


def test_a_dag_that_is_missing_beside_an_import_error_is_an_error(airflow):
    airflow.of["/api/v2/importErrors"] = (
        200,
        {"import_errors": [{"filename": "x.py", "timestamp": "t", "stack_trace": "SyntaxError: no"}], "total_entries": 1},
    )
    airflow.of["/api/v2/dags"] = (200, {"dags": [{"dag_id": name} for name in RECIPES[:-1]], "total_entries": len(RECIPES) - 1})
    assert [finding.state for finding in ask(airflow)] == ["warning", "error"]


def test_a_dead_scheduler_is_unreachable(airflow):
    airflow.of["/api/v2/monitor/health"][1]["scheduler"]["status"] = "unhealthy"
    (finding,) = ask(airflow)
    assert finding.state == "unreachable"
    assert "scheduler is not alive" in finding.got


def test_tasks_that_wait_for_no_triggerer_are_told(airflow):
    waiting = (200, {"task_instances": [{"task_id": "pretraining"}], "total_entries": 3})
    airflow.of["/api/v2/dags/~/dagRuns/~/taskInstances"] = waiting
    (finding,) = ask(airflow)
    assert (finding.state, finding.fix) == ("unreachable", "start `airflow triggerer`")
    assert "3 tasks are deferred" in finding.got
    beat = {"status": "healthy", "latest_triggerer_heartbeat": "2026-01-02T03:04:05+00:00"}
    airflow.of["/api/v2/monitor/health"][1]["triggerer"] = beat
    assert [found.state for found in ask(airflow)] == ["ok"]


def test_a_connection_that_airflow_does_not_show_is_a_warning(airflow):
    settings = Settings(airflow_url=airflow.url, s3_connection="store", mlflow_connection="tracking", database_connections=("crm", "shop"))
    for name in ("store", "shop"):
        airflow.of[f"/api/v2/connections/{name}"] = (200, {"connection_id": name})
    airflow.of["/api/v2/connections/crm"] = (404, {"detail": "not found"})
    airflow.of["/api/v2/connections/tracking"] = (404, {"detail": "not found"})
    finding, other = run_check("airflow", settings)
    assert (finding.state, finding.fix) == ("warning", "create it, or correct TRAINSHED_MLFLOW_CONNECTION")
    assert "no connection 'tracking'" in finding.got
    assert "no connection 'crm', which TRAINSHED_DATABASE_CONNECTIONS names" in other.got


@pytest.mark.parametrize(
    ("answer", "state", "says"),
    [
        ((404, {"detail": "no such pool"}), "error", "Airflow has no pool trainshed-training: training steps would wait for ever"),
        ((200, {"slots": 0}), "error", "Airflow's pool trainshed-training has no slot: training steps would wait for ever"),
        ((200, {"slots": 1}), "warning", "Airflow's pool trainshed-training has 1 slots"),
        ((200, {"slots": 2}), "ok", "logged in"),
    ],
)
def test_the_pool_of_training_steps_has_the_slots_of_the_setting(answer, state, says, airflow):
    airflow.of["/api/v2/pools/trainshed-training"] = answer
    (finding,) = run_check("airflow", Settings(airflow_url=airflow.url, training_slots=2))
    assert finding.state == state
    assert says in str(finding)
    assert state == "ok" or 'airflow pools set trainshed-training 2 "Training steps" --include-deferred' in finding.fix
