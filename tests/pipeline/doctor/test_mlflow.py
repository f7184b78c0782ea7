"""The check of MLflow: against a real server, and against one that answers as another would."""

from importlib.metadata import version

import pytest
from fixtures.mlflow import free_port

from pipeline.doctor.run_check import run_check
from pipeline.settings import Settings

SEARCH, ROOT = "/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def well(answers):
    answers.of.update({SEARCH: (200, {}), "/version": (200, version("mlflow")), ROOT: (200, {"files": []})})
    return answers


def states(url):
    return [finding.state for finding in run_check("mlflow", Settings(mlflow_uri=url))]


def test_a_real_server_is_ok(mlflow_server):
    (finding,) = run_check("mlflow", Settings(mlflow_uri=mlflow_server.uri))
    assert finding.state == "ok"
    assert version("mlflow") in finding.got


def test_one_that_does_not_answer_is_unreachable(monkeypatch):
    monkeypatch.setattr("pipeline.doctor.base.RETRY_S", 0.0)
    assert states(f"http://127.0.0.1:{free_port()}") == ["unreachable"]


def test_a_refused_log_in_is_an_error(well):
    well.of[SEARCH] = (401, "who are you?")
    (finding,) = run_check("mlflow", Settings(mlflow_uri=well.url))
    assert (finding.state, finding.fix) == ("error", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")


def test_another_minor_version_is_a_warning_and_another_patch_is_none(well):
    major, minor, _ = version("mlflow").split(".")
    well.of["/version"] = (200, f"{major}.{minor}.99")
    assert states(well.url) == ["ok"]
    well.of["/version"] = (200, f"{major}.{int(minor) - 1}.0")
    (finding,) = run_check("mlflow", Settings(mlflow_uri=well.url))
    assert finding.state == "warning"
    assert f"is version {major}.{int(minor) - 1}.0" in finding.got


def test_artifacts_that_go_past_the_server_are_errors(well):
    well.of[ROOT] = (503, "Endpoint disabled due to the mlflow server running with `--no-serve-artifacts`")
    assert states(well.url) == ["error"]
    well.of[ROOT] = (200, {})
    well.of[SEARCH] = (200, {"experiments": [{"name": "pydocs", "artifact_location": "s3://elsewhere/1"}, {"name": "theirs"}]})
    (finding,) = run_check("mlflow", Settings(mlflow_uri=well.url))
    assert finding.state == "error"
    assert "experiment 'pydocs'" in finding.got


def test_storage_the_server_cannot_reach_is_unreachable(well):
    well.of[ROOT] = (500, {"message": "no credentials"})
    (finding,) = run_check("mlflow", Settings(mlflow_uri=well.url))
    assert finding.state == "unreachable"
    assert "HTTP 500: no credentials" in finding.got
