"""The launcher trainjob against a fake cluster with a fake Trainer: one TrainJob for each training, found again, stopped, resumed."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import kubernetes_validate
import pytest
import yaml
from fixtures.airflow_task import Run
from fixtures.kubernetes_worker import ATTEMPT
from fixtures.restricted import violations
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob as TrainJob

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput, Unavailable
from pipeline.line import trace
from pipeline.orchestration.launchers.kubernetes import operator as launcher
from pipeline.orchestration.launchers.kubernetes.render import render_pod
from pipeline.orchestration.launchers.resources import machine
from pipeline.orchestration.launchers.trainjob.operator import TrainJobOperator
from pipeline.orchestration.launchers.trainjob.render import render_job
from pipeline.orchestration.retries import TryAgain
from pipeline.recipe import read_recipe
from pipeline.recipe.recipe import override
from pipeline.settings import Settings

GOLDEN = Path(__file__).parent / "golden" / "trainjob-finetuning-gpu-1.yaml"


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "POLL_S", 0.01)
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path))


@pytest.fixture
def task(recipe_folder):
    return next(TrainJobOperator(step=step) for step in trace(read_recipe(recipe_folder / "first.yaml")) if step.id == "finetuning")


def launch(task, state="running"):
    ti = SimpleNamespace(
        dag_id="first", task_id="finetuning", run_id="r1", map_index=-1, try_number=1,
        get_task_states=lambda dag_id, task_ids, run_ids: {run_ids[0]: {task_ids[0]: state}},
    )  # fmt: skip
    return task.launch(ATTEMPT, {"ti": ti, "run_id": "r1", "dag": SimpleNamespace()})


def ends(code, reason=None):
    def play(kubelet, name):
        kubelet.running(name)
        kubelet.say(name, "2026-01-02T03:04:05 INFO body said this")
        kubelet.ended(name, code, reason)

    return play


def after(cluster, count, then):
    cluster.on_question = (len(cluster.asked) + count, then)


def chosen(**changes) -> Settings:
    return Settings(images="registry.example/trainshed/{stage}:1.0", **changes)


def test_golden():
    made = render_job(ATTEMPT, machine("gpu-1", chosen()), chosen())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(yaml.safe_dump(made, sort_keys=False, width=140))
    assert made == yaml.safe_load(GOLDEN.read_text())
    assert TrainJob.from_dict(made).to_dict() == made


@pytest.mark.parametrize("size", ["cpu-small", "gpu-1", "gpu-8"])
def test_with_the_runtime_it_makes_the_pod_that_the_launcher_kubernetes_makes(cluster, size):
    """But for names, and for keys that are referred to one by one."""
    settings = chosen()
    found = machine(size, settings).model_copy(update={"priority_class": "trainshed-training"})
    made = cluster.trainer.pod_of(render_job(ATTEMPT, found, settings))
    for version in ("1.34", "1.37"):
        kubernetes_validate.validate(made, version, strict=True)
    assert violations(made) == []
    ours = render_pod(ATTEMPT, found, settings)
    container, other = made["spec"].pop("containers")[0], ours["spec"].pop("containers")[0]
    assert made["spec"] == ours["spec"]
    assert container.pop("name") != other.pop("name")
    assert [entry for entry in container.pop("env") if "value" in entry] == other.pop("env")
    assert other.pop("envFrom")
    assert container == other


def test_a_job_that_is_queued_has_the_label_and_its_pod_has_not():
    found = machine("gpu-1", chosen()).model_copy(update={"queue": "nlp"})
    made = render_job(ATTEMPT, found, chosen())
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "nlp"
    assert "queue-name" not in repr(made["spec"])


def test_a_job_that_ends_well(cluster, task, caplog):
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert re.fullmatch(r"finetuning-abababababab-\w{8}", cluster.trainer.created[0])
    assert (len(cluster.trainer.created), cluster.trainer.jobs, cluster.pods) == (1, {}, [])
    assert sum("body said this" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("code", [2, 75, 1])
def test_an_exit_code_comes_through(cluster, task, code):
    cluster.kubelet.plays = [ends(code)]
    assert launch(task) == code
    assert cluster.trainer.jobs == {}


def test_a_suspended_job_is_waited_for(cluster, task, caplog):
    cluster.trainer.suspended = True
    cluster.kubelet.plays = [ends(0)]
    after(cluster, 8, lambda: cluster.trainer.start(cluster.trainer.created[0]))
    assert launch(task) == 0
    told = [record.getMessage() for record in caplog.records]
    assert told.count("waiting for admission: the TrainJob is suspended (Queued waiting for quota of the queue)") == 1


def test_a_failed_node_is_retried(cluster, task):
    """The pod went with its node; the job tells that it failed."""

    def play(kubelet, name):
        kubelet.running(name)

        def lose():
            cluster.remove(name)
            cluster.trainer.condition(cluster.trainer.created[0], "Failed", "JobsFailed", "jobset failed: backoff limit reached")

        after(cluster, 5, lose)

    cluster.kubelet.plays = [play]
    with pytest.raises(Unavailable, match=r"failed: JobsFailed jobset failed"):
        launch(task)
    assert cluster.trainer.jobs == {}


def test_a_job_that_was_complete_before_anybody_looked(cluster, task):
    def play(kubelet, name):
        cluster.remove(name)
        cluster.trainer.condition(cluster.trainer.created[0], "Complete", "JobsCompleted", "jobset completed")

    cluster.kubelet.plays = [play]
    assert launch(task) == 0


def test_a_trainer_that_is_not_installed_is_told_with_the_mend(cluster, task):
    cluster.trainer.installed = False
    with pytest.raises(BadInput, match=r"the TrainJob CRD is not installed.*install Kubeflow Trainer v2"):
        launch(task)


def test_several_nodes_are_refused_while_training_is_one_process():
    with pytest.raises(BadInput, match=r"gpu-8x2.*2 nodes.*one process so far"):
        render_job(ATTEMPT, machine("gpu-8x2", chosen()), chosen())


@pytest.mark.parametrize(("state", "left"), [("running", 1), ("failed", 0)])
def test_a_kill_leaves_the_job_unless_a_person_decided(cluster, task, state, left):
    def play(kubelet, name):
        kubelet.running(name)
        after(cluster, 5, task.on_kill)

    cluster.kubelet.plays = [play]
    with pytest.raises(TryAgain):
        launch(task, state)
    assert len(cluster.trainer.jobs) == left
    assert len(cluster.pods) == left
    if left:
        cluster.kubelet.ended(cluster.pods[0], 0)
        assert launch(task) == 0
        assert len(cluster.trainer.created) == 1


def test_an_earlier_job_whose_pod_still_checkpoints_is_waited_for(cluster, task):
    cluster.kubelet.plays = [lambda kubelet, name: (kubelet.running(name), after(cluster, 5, task.on_kill))]
    with pytest.raises(TryAgain):
        launch(task)
    (name,) = cluster.trainer.jobs
    begun = datetime.now(UTC) - timedelta(seconds=100)
    cluster.trainer.jobs[name]["metadata"]["deletionTimestamp"] = begun.strftime("%Y-%m-%dT%H:%M:%SZ")

    def gone():
        del cluster.trainer.jobs[name]
        cluster.remove(cluster.pods[0])

    after(cluster, 9, gone)
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert cluster.trainer.created == [name, name]


def test_real_components_train_in_jobs_and_resume_after_a_lost_node(make_line, cluster, monkeypatch, caplog):
    line = make_line()
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    cluster.secrets = {f"trainshed-{stage}": keys for stage in ("ingestion", "tokenization", "pretraining")}
    recipe = override(line.recipe, {"pretraining.steps": 12})
    run = Run(recipe, f"{recipe.name}-1", line.settings)
    for step in ("ingestion", "tokenization"):
        run.execute(run.operator(TrainJobOperator, step))
    assert cluster.trainer.created == []

    def lose(name, said):
        if "checkpoint committed" in said and "step=4" in said:
            cluster.kubelet.on_line = None
            cluster.kubelet.kill(name)
            cluster.patch(name, {"status": {"reason": "NodeShutdown"}})

    cluster.kubelet.on_line = lose
    task = run.operator(TrainJobOperator, "pretraining")
    with pytest.raises(TryAgain, match="evicted"):
        run.execute(task)
    reference = run.execute(task)
    assert open_artifacts(run.settings).find("pretraining", reference["fingerprint"])
    assert len(cluster.trainer.created) == 2
    assert re.search(r"resumed at step 4\b", caplog.text)
