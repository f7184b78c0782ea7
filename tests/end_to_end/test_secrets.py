"""After a whole run: secrets lie where they have to, readable by their owner alone, and nowhere else, in no encoding."""

import stat

import pytest
import requests
from fixtures.planted import KEPT, MARK, PASSWORD, holds, in_database, in_files, in_store

from pipeline.stack.ports import recorded
from pipeline.stack.processes import find_marked

AIRFLOW_TABLES = {"dag_run", "log", "serialized_dag", "task_instance", "xcom"}


def test_no_command_line_held_one(watched_run):
    assert {stage for stage in ("ingestion", "finetuning") if f"components.{stage}" in "".join(watched_run.commands)} == {
        "ingestion",
        "finetuning",
    }
    assert [command for command in watched_run.commands if holds(command.encode())] == []


def test_no_object_of_the_store_holds_one(stack, first_run):
    keys: list[str] = []
    found = in_store(stack.settings, "pipeline", keys.append) | in_store(stack.settings, "mlflow", keys.append)
    assert {"manifests", "blobs", "runs", "ledger", "artifacts"} <= {key.partition("/")[0] for key in keys}
    assert found == {}


def test_no_file_but_those_that_have_to_holds_one(stack, first_run):
    state = stack.settings.state
    assert in_files(state) == {}
    for name in KEPT:
        assert MARK in (state / name).read_text()
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600, name
    for folder in {(state / name).parent for name in KEPT}:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


@pytest.mark.parametrize(("name", "tables"), [("airflow/airflow.db", AIRFLOW_TABLES), ("mlflow/mlflow.db", {"runs", "tags", "params"})])
def test_no_row_of_a_database_holds_one(stack, first_run, name, tables):
    seen: set[str] = set()
    assert in_database(stack.settings.state / name, seen.add) == {}
    assert tables <= seen


def test_the_command_printed_none(first_run):
    assert not holds(first_run.encode())


@pytest.mark.parametrize("part", ["s3-filer", "s3-volume"])
def test_nobody_gets_at_objects_past_the_gateway(stack, first_run, part):
    """Every user of the machine reaches the ports behind it."""
    port = recorded(stack.settings.state)[part]
    path = "buckets/pipeline/planted" if part == "s3-filer" else "2,0123456789"
    for ask in (requests.get, requests.put, requests.delete):
        assert ask(f"http://127.0.0.1:{port}/{path}", timeout=10).status_code == 401


def test_components_were_started_with_the_password_that_was_planted(stack):
    """Otherwise nothing above would mean anything."""
    schedulers = [found for found in find_marked(stack.settings.state) if found.server == "airflow-scheduler"]
    assert schedulers
    assert all(found.process.environ()[PASSWORD[0]] == PASSWORD[1] for found in schedulers)
    assert MARK in stack.settings.s3_keys[1]
