"""Keys out of Airflow's connections: tasks and what they start work by them, whatever the environment says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException
from fixtures.airflow_task import Run
from sqlalchemy.engine import make_url

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput
from pipeline.launchers.process.operator import ProcessOperator
from pipeline.operators.credentials import component_keys, task_settings
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.runs.names import PLAN_TASK, run_name
from pipeline.runs.records import read_failure


@pytest.fixture
def connect(monkeypatch):
    """Make a connection as a variable; Airflow's database and secret backends are asked by the same call."""

    def make(name, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))

    return make


def test_no_connection_is_asked_where_none_is_named(monkeypatch):
    monkeypatch.setattr("airflow.sdk.Connection.get", pytest.fail)
    assert component_keys(task_settings()) == {}


def test_a_step_runs_by_the_keys_of_the_connection_alone(make_line, connect, monkeypatch, caplog):
    line = make_line()
    access, secret = line.settings.s3_keys
    run = Run(line.recipe, f"{line.recipe.name}-1", line.settings)
    connect("store", conn_type="aws", login=access, password=secret, extra={"endpoint_url": line.settings.s3_endpoint})
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "store")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setenv("TRAINSHED_S3_ENDPOINT", "http://127.0.0.1:9")
    reference = run.execute(run.operator(ProcessOperator, "ingestion"))
    assert open_artifacts(line.settings).find("ingestion", reference["fingerprint"]).counts["kept"] > 0
    assert secret not in repr(run.xcoms) + caplog.text


def test_why_planning_failed_is_left_in_the_store_by_the_keys_of_the_connection(make_line, connect, monkeypatch):
    line = make_line()
    access, secret = line.settings.s3_keys
    connect("store", conn_type="aws", login=access, password=secret)
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "store")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    context = {"dag": SimpleNamespace(dag_id=line.recipe.name), "run_id": "manual", "params": {"force": ["nosuch"]}}
    context["dag_run"] = SimpleNamespace(triggering_user_name=None, run_after=datetime(2026, 1, 2, tzinfo=UTC))
    with pytest.raises(AirflowFailException, match="unknown step 'nosuch'"):
        PlanOperator(recipe=line.recipe, line="train").execute(context)
    assert "nosuch" in read_failure(line.artifacts.store, run_name(line.recipe.name, "manual"), PLAN_TASK).message


def test_a_connection_that_is_missing_is_not_tried_again(make_line, monkeypatch):
    line = make_line()
    run = Run(line.recipe, f"{line.recipe.name}-1", line.settings)
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "nowhere")
    with pytest.raises(AirflowFailException, match=r"no connection 'nowhere'; fix: create it, or correct TRAINSHED_S3_CONNECTION"):
        run.execute(run.operator(ProcessOperator, "ingestion"))


def test_what_a_connection_says_goes_before_the_environment(connect, monkeypatch):
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "store")
    monkeypatch.setenv("TRAINSHED_S3_SESSION_TOKEN", "of-other-keys")
    monkeypatch.setenv("TRAINSHED_MLFLOW_CONNECTION", "tracking")
    connect("store", conn_type="aws", login="access", password="secret")
    connect("tracking", conn_type="http", login="me", password="word")
    settings = task_settings()
    assert settings.s3_keys == ("access", "secret")
    assert (settings.mlflow_username, settings.mlflow_password.get_secret_value()) == ("me", "word")
    assert component_keys(settings) == {
        "TRAINSHED_S3_ACCESS_KEY": "access",
        "TRAINSHED_S3_SECRET_KEY": "secret",
        "TRAINSHED_S3_SESSION_TOKEN": "",
        "TRAINSHED_MLFLOW_USERNAME": "me",
        "TRAINSHED_MLFLOW_PASSWORD": "word",
    }
    connect("store", conn_type="aws", login="access", password="secret", extra={"aws_session_token": "token", "region_name": "eu-west-1"})
    settings = task_settings()
    assert (settings.s3_keys, settings.s3_region) == (("access", "secret", "token"), "eu-west-1")


def test_both_keys_may_stand_where_airflow_encrypts_them(connect, monkeypatch):
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "store")
    connect("store", conn_type="aws", extra={"aws_access_key_id": "access", "aws_secret_access_key": "secret"})
    assert task_settings().s3_keys == ("access", "secret")


def test_a_connection_without_keys_is_a_mistake(connect, monkeypatch):
    monkeypatch.setenv("TRAINSHED_S3_CONNECTION", "store")
    connect("store", conn_type="aws", login="access")
    with pytest.raises(BadInput, match="'store' lacks login or password"):
        task_settings()


def test_databases_of_connections_are_beside_those_of_the_setting(connect, monkeypatch):
    monkeypatch.setenv("TRAINSHED_DATABASE_CONNECTIONS", "crm, files")
    monkeypatch.setenv("TRAINSHED_DATABASES", json.dumps({"other": "sqlite:///other.db", "crm": "sqlite:///old.db"}))
    extra = {"sslmode": "require", "cursor": "dictcursor"}
    connect("crm", conn_type="postgres", login="me", password="p:a/s@s", host="db", port=5433, schema="sales", extra=extra)
    connect("files", conn_type="sqlite", host="data/files.db")
    settings = task_settings()
    assert json.loads(component_keys(settings)["TRAINSHED_DATABASES"]) == {
        "other": "sqlite:///other.db",
        "crm": "postgresql://me:p%3Aa%2Fs%40s@db:5433/sales?sslmode=require",
        "files": "sqlite:///data/files.db",
    }
    assert make_url(json.loads(settings.databases.get_secret_value())["crm"]).password == "p:a/s@s"
    monkeypatch.setenv("TRAINSHED_DATABASES", "planted")
    with pytest.raises(BadInput, match="TRAINSHED_DATABASES is no JSON object") as raised:
        task_settings()
    assert "planted" not in str(raised.value)
