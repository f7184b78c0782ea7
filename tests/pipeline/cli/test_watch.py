"""Watching a run whose DAG Airflow cannot import: the run is stopped, with the import error."""

from __future__ import annotations

import pytest
from fixtures.answers import airflow, answers
from rich.console import Console

from pipeline.cli.watch import watch
from pipeline.errors import BadInput, TrainshedError
from pipeline.settings import Settings
from pipeline.submission.airflow_client import Airflow, DagRun

__all__ = ["airflow", "answers"]

RUN, ERRORS = "/api/v2/dags/first/dagRuns/first-1", "/api/v2/importErrors"
PUT_OFF = {"task_id": "plan", "state": "up_for_reschedule", "try_number": 1, "start_date": None, "duration": None, "map_index": -1}


@pytest.fixture
def watched(airflow, tmp_path):
    """Watch a run whose first task Airflow puts off, since it finds no DAG for it; the DAG is stale by now."""

    def go(**error):
        airflow.of[RUN] = (200, {"dag_id": "first", "dag_run_id": "first-1", "state": "running"})
        airflow.of[f"{RUN}/taskInstances"] = (200, {"task_instances": [PUT_OFF], "total_entries": 1})
        airflow.of[f"{RUN}/taskInstances/plan/-1"] = (200, {})
        airflow.of["/api/v2/dags/first"] = (200, {"dag_id": "first", "is_stale": True})
        airflow.of[ERRORS] = (200, {"import_errors": [{"timestamp": "t", **error}], "total_entries": 1})
        settings = Settings(airflow_url=airflow.url, store=f"file://{tmp_path}/store", state=tmp_path)
        watch(Airflow(settings), DagRun("first", "first-1", "running"), ("ingestion",), settings, Console(force_terminal=False))

    return go


def test_the_import_error_of_its_dag_is_raised_and_the_run_is_stopped(watched, airflow):
    with pytest.raises(BadInput, match=r"^Airflow makes no DAG first: unknown launcher 'dcoker'; fix: did you mean 'docker'\?$"):
        watched(filename="train.py", stack_trace="pipeline.errors.BadInput: unknown launcher 'dcoker'; fix: did you mean 'docker'?")
    assert [asked for asked in airflow.asked if asked.startswith("PATCH")] == [f"PATCH {RUN}/taskInstances/plan/-1", f"PATCH {RUN}"]


def test_an_import_error_of_another_file_stops_nothing(watched, airflow, monkeypatch):
    monkeypatch.setattr(
        "pipeline.cli.watch.time.sleep", lambda _: airflow.of.__setitem__(RUN, (200, airflow.of[RUN][1] | {"state": "failed"}))
    )
    with pytest.raises(TrainshedError, match="first-1 failed at"):
        watched(filename="theirs.py", stack_trace="ImportError: no")
    assert not [asked for asked in airflow.asked if asked.startswith("PATCH")]
