"""Deferred tasks, whose workers do not wait for their pods, in a real Airflow with a real triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.commands import trainshed, until
from fixtures.pods import STAGES, Watched, running_pod_stack, triggerer

from pipeline.artifacts import open_artifacts
from pipeline.submission.airflow_client import Airflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.cluster import Cluster
    from fixtures.stack import RunningStack

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def stack(node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_pod_stack(node, tmp_path_factory.mktemp("deferred"), deferrable=True) as made:
        yield made


def deferred(run: Watched) -> bool:
    """Whether pretraining has left its worker; the client calls that running."""
    asked = Airflow(run.stack.settings)._call("GET", f"dags/~/dagRuns/~/taskInstances?state=deferred&run_id_pattern={run.name}")
    return [row["task_id"] for row in asked["task_instances"]] == ["pretraining"]


def test_a_task_leaves_its_worker_and_the_run_ends_with_a_decision(stack, node, tmp_path) -> None:
    """A triggerer that is killed meanwhile costs nothing: another one waits on."""
    with Watched(stack, node, tmp_path, "deferred", 4_000) as run:
        with triggerer(stack) as first:
            name = run.training()
            until("the task to leave its worker", lambda: deferred(run))
            first.kill()
        with triggerer(stack):
            code, said = run.ended(900)
        assert code == 0, said
        assert run.pods("pretraining") == [name]
        log = run.log("pretraining", 1)
        assert "a trigger waits for its end" in log
        assert log.count("checkpoint committed stage=pretraining step=4000") == 1
        assert {stage for stage in STAGES if run.pods(stage)} == set(STAGES)
    assert {manifest.stage for manifest in open_artifacts(stack.settings).manifests()} == set(STAGES)
    assert node.pods == []


def test_what_is_stopped_meanwhile_leaves_no_pod(stack, node, tmp_path) -> None:
    with Watched(stack, node, tmp_path, "stopped", 200_000) as run, triggerer(stack):
        name = run.training()
        until("the task to leave its worker", lambda: deferred(run))
        trainshed(stack, "stop", run.name)
        until("the pod to go", lambda: name not in node.pods)
        assert "told to stop: SIGTERM" in node.kubelet.log(name, None, None)
        assert run.ended()[0] in {1, 75}
