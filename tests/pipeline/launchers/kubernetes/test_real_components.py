"""Real components in pods of a fake cluster: real S3, real MLflow, the provider's operator; only scheduler and node are played."""

from __future__ import annotations

import os
import re

import pytest
from airflow.sdk.exceptions import AirflowFailException
from fixtures.airflow_task import Run

from pipeline.artifacts import open_artifacts
from pipeline.launchers.kubernetes import operator as launcher
from pipeline.launchers.kubernetes.operator import KubernetesOperator
from pipeline.operators.exit_codes import TryAgain
from pipeline.recipe.overrides import override

STAGES = ("ingestion", "tokenization", "pretraining")


@pytest.fixture
def run(make_line, cluster, monkeypatch):
    """A run whose pods find S3 by keys out of a Secret of their stage."""
    monkeypatch.setattr(launcher, "POLL_S", 0.05)
    line = make_line()
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    cluster.secrets = {f"trainshed-{stage}": {name: os.environ[name] for name in names} for stage in STAGES}
    recipe = override(line.recipe, {"pretraining.steps": 12, "resources.pretraining": "cpu-large"})
    return Run(recipe, f"{recipe.name}-1", line.settings)


@pytest.fixture
def tokens(run):
    """The run, as far as pretraining."""
    for step in ("ingestion", "tokenization"):
        run.execute(run.operator(KubernetesOperator, step))
    return run


def test_a_step_ends_with_its_artifact_and_nothing_secret_in_the_pod(run, cluster):
    reference = run.execute(run.operator(KubernetesOperator, "ingestion"))
    manifest = open_artifacts(run.settings).find("ingestion", reference["fingerprint"])
    assert manifest.counts["kept"] > 0
    assert run.xcoms["ingestion", "return_value"] == reference
    assert (len(cluster.created), cluster.pods) == (1, [])
    assert run.settings.s3_secret_key.get_secret_value() not in repr(cluster.created)


def test_a_store_that_only_pods_cannot_reach_is_told_by_the_task(run, cluster, monkeypatch):
    """A network policy does that; the component cannot leave its reason where it cannot reach."""
    monkeypatch.setenv("TRAINSHED_CONTAINER_S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("TRAINSHED_S3_RETRY_S", "0.5")
    with pytest.raises(TryAgain, match=r"S3 at http://127\.0\.0\.1:9 does not answer: connection refused; fix: .*"):
        run.execute(run.operator(KubernetesOperator, "ingestion"))
    assert cluster.pods == []


def test_keys_in_the_secret_that_are_wrong_are_not_tried_again(run, cluster):
    cluster.secrets["trainshed-ingestion"] = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "planted"}
    with pytest.raises(AirflowFailException, match=r"permission denied \(InvalidAccessKeyId\); .*; fix: check AWS_ACCESS_KEY_ID") as raised:
        run.execute(run.operator(KubernetesOperator, "ingestion"))
    assert "planted" not in str(raised.value)
    assert (len(cluster.created), cluster.pods) == (1, [])


def test_a_node_that_is_lost_costs_the_work_since_the_last_checkpoint_and_no_more(tokens, cluster, caplog):
    def lose(name, line):
        if "checkpoint committed" in line and "step=4" in line:
            cluster.kubelet.on_line = None
            cluster.kubelet.kill(name)
            cluster.patch(name, {"status": {"reason": "Shutdown", "message": "Pod was terminated in response to imminent node shutdown."}})

    cluster.kubelet.on_line = lose
    task = tokens.operator(KubernetesOperator, "pretraining")
    with pytest.raises(TryAgain, match=r"pretraining: Shutdown: .* resumes from the last checkpoint"):
        tokens.execute(task)
    assert cluster.pods == []
    reference = tokens.execute(task)
    assert open_artifacts(tokens.settings).find("pretraining", reference["fingerprint"])
    assert cluster.created[-1]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "16000m"
    assert re.search(r"resumed at step 4\b", caplog.text)


def test_a_worker_that_is_killed_leaves_a_training_that_the_retry_finds(tokens, cluster):
    task = tokens.operator(KubernetesOperator, "pretraining")
    cluster.kubelet.on_line = lambda name, line: "checkpoint committed" in line and task.on_kill()
    with pytest.raises(TryAgain, match="runs on"):
        tokens.execute(task)
    cluster.kubelet.on_line = None
    (name,) = cluster.pods
    reference = tokens.execute(tokens.operator(KubernetesOperator, "pretraining"))
    assert open_artifacts(tokens.settings).find("pretraining", reference["fingerprint"])
    assert [pod["metadata"]["name"] for pod in cluster.created].count(name) == 1


def test_a_step_that_a_person_marked_failed_checkpoints_and_is_gone(tokens, cluster):
    task = tokens.operator(KubernetesOperator, "pretraining")
    tokens.state = "failed"
    said = []
    cluster.kubelet.on_line = lambda name, line: said.append(line) or ("checkpoint committed" in line and task.on_kill())
    with pytest.raises(TryAgain, match="stopped"):
        tokens.execute(task)
    (name,) = cluster.kubelet.processes.keys() - {pod["metadata"]["name"] for pod in cluster.created[:-1]}
    assert cluster.kubelet.processes[name].wait(60) == 75
    assert any("SIGTERM" in line for line in said)
