"""The line in pods of a fake cluster through a real Airflow: a killed scheduler keeps the pod, a stopped run ends it."""

from __future__ import annotations

import re
import time

import pytest
from fixtures.commands import trainshed, until
from fixtures.pods import STAGES, Watched, scheduler

from pipeline.artifacts import open_artifacts

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]  # a stack comes up, and a line runs in pods


def test_a_killed_scheduler_costs_nothing(pod_stack, node, tmp_path) -> None:
    """The pod goes on; the attempt that a new scheduler starts follows the same one, and the run ends with a decision."""
    with Watched(pod_stack, node, tmp_path, "killed", 4000) as run:
        name = run.training()
        scheduler(pod_stack).kill()
        trainshed(pod_stack, "up")
        code, said = run.ended()
        assert code == 0, said
        assert run.pods("pretraining") == [name]
        assert re.search(rf"pod {name} is there already \(\w+\): following it", run.log("pretraining", 2))
        assert {stage for stage in STAGES if run.pods(stage)} == set(STAGES)
    assert {manifest.stage for manifest in open_artifacts(pod_stack.settings).manifests()} == set(STAGES)
    assert node.pods == []


def test_a_run_that_is_stopped_leaves_no_pod(pod_stack, node, tmp_path) -> None:
    with Watched(pod_stack, node, tmp_path, "stopped", 100_000) as run:
        name = run.training()
        began = time.monotonic()
        trainshed(pod_stack, "stop", run.name)
        until("the pod to go", lambda: name not in node.pods)
        print(f"told to stop: the pod was gone after {time.monotonic() - began:.1f} s")
        assert "told to stop: SIGTERM" in node.kubelet.log(name, None, None)
        assert run.ended()[0] in {1, 75}
