"""The metrics outbox against a real MLflow server, and against none."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from fixtures.mlflow import free_port

from pipeline.errors import Preempted, TrainshedError, Unavailable
from pipeline.settings import Settings
from pipeline.tracking import MetricsOutbox, MlflowRun, MlflowServer, step_run


@pytest.fixture
def run(mlflow_server) -> MlflowRun:
    settings = Settings(mlflow_uri=mlflow_server.uri, mlflow_retry_s=5)
    return step_run(settings, "outbox-tests", f"run-{uuid.uuid4().hex}", "pretraining")


@pytest.fixture
def unreachable(run: MlflowRun) -> MlflowRun:
    return replace(run, server=MlflowServer(Settings(mlflow_uri=f"http://127.0.0.1:{free_port()}", mlflow_retry_s=0)))


def filled(steps: range) -> MetricsOutbox:
    outbox = MetricsOutbox()
    for step in steps:
        outbox.record(step, {"loss": float(step)})
    return outbox


def history(run: MlflowRun) -> list[tuple[int, float]]:
    found = run.server.call("GET", "metrics/get-history", {"run_id": run.id, "metric_key": "loss", "max_results": 5000}).get("metrics", [])
    return sorted((point["step"], point["value"]) for point in found)


def nothing() -> None:
    """Keep waiting."""


def test_values_wait_for_their_checkpoint(run):
    outbox = filled(range(3))
    outbox.flush(run, nothing)
    outbox.record(3, {"loss": 3.0})
    assert [point["step"] for point in outbox.waiting] == [3]
    assert history(run) == [(step, float(step)) for step in range(3)]


def test_an_unreachable_server_stops_nobody_but_a_finished_step(unreachable):
    outbox = filled(range(3))
    outbox.send(unreachable)
    outbox.record(3, {"loss": 3.0})
    outbox.send(unreachable)
    assert [point["step"] for point in outbox.waiting] == [0, 1, 2, 3]
    with pytest.raises(Unavailable, match=r"^4 metric values are not sent: http://127\.0\.0\.1:\d+ is unreachable; fix: start MLflow$"):
        outbox.flush(unreachable, nothing, outage_s=0.0)


def test_a_wait_for_the_server_can_be_ended(unreachable):
    def stop() -> None:
        raise Preempted("told to stop")

    with pytest.raises(Preempted):
        filled(range(3)).flush(unreachable, stop)


def test_values_that_a_checkpoint_holds_although_they_were_sent_arrive_once(run):
    outbox = filled(range(1200))
    kept = outbox.waiting
    outbox.flush(run, nothing)
    resumed = MetricsOutbox()
    resumed.waiting = kept
    resumed.flush(run, nothing)
    assert history(run) == [(step, float(step)) for step in range(1200)]


def test_a_refusal_is_raised_where_the_step_ends(run):
    outbox = filled(range(3))
    with pytest.raises(TrainshedError):
        outbox.flush(replace(run, id="0" * 32), nothing)
    assert len(outbox.waiting) == 3
