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
from pipeline.launchers.kubernetes import operator as launcher
from pipeline.launchers.kubernetes.operator import KubernetesOperator
from pipeline.launchers.kubernetes.render import render_pod
from pipeline.launchers.trainjob.operator import TrainJobOperator
from pipeline.launchers.trainjob.render import render_job
from pipeline.lines import trace
from pipeline.machine_sizes import machine
from pipeline.operators.exit_codes import TryAgain
from pipeline.recipe import read_recipe
from pipeline.recipe.overrides import override
from pipeline.settings import Settings, load_settings

GOLDEN = Path(__file__).parent / "golden"


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
        get_task_states=lambda dag_id, task_ids, run_ids, map_index=None: {run_ids[0]: {task_ids[0]: state}},
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


@pytest.mark.parametrize("size", ["gpu-1", "gpu-8x2"])
def test_golden(size):
    made, golden = render_job(ATTEMPT, machine(size, chosen()), chosen()), GOLDEN / f"trainjob-finetuning-{size}.yaml"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(yaml.safe_dump(made, sort_keys=False, width=140))
    assert made == yaml.safe_load(golden.read_text())
    assert TrainJob.from_dict(made).to_dict() == made


@pytest.mark.parametrize("size", ["cpu-small", "gpu-1", "gpu-8"])
def test_with_the_runtime_it_makes_the_pod_that_the_launcher_kubernetes_makes(cluster, size):
    """But for names, for keys that are referred to one by one, and for what the torch policy adds."""
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
    env = [entry for entry in container.pop("env") if not entry["name"].startswith("PET_")]
    assert [entry for entry in env if "value" in entry] == other.pop("env")
    assert container.pop("ports")
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


@pytest.mark.parametrize(
    ("size", "device", "started", "threads"),
    [
        ("gpu-1", "auto", [], "8"),
        ("gpu-8", "auto", ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", "8"], "12"),
        ("gpu-8", "cpu", [], "96"),
        ("gpu-8x2", "cuda", ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", "8"], "12"),
        ("gpu-8x2", "cpu", ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", "1"], "96"),
    ],
)
def test_torchrun_is_started_for_several_processes_only(size, device, started, threads):
    settings = chosen(device=device)
    trainer = render_job(ATTEMPT, machine(size, settings), settings)["spec"]["trainer"]
    assert trainer["command"] == ["python", *started, "-m", "components.finetuning"]
    assert {"name": "TRAINSHED_THREADS", "value": threads} in trainer["env"]


def two_nodes(cluster, first, second, monkeypatch, tmp_path):
    """Play one function for each node of the next job."""
    sizes = tmp_path / "sizes.yaml"
    sizes.write_text("gpu-1: {cpus: 1, memory_mb: 512, scratch_mb: 100, nodes: 2, priority_class: trainshed-training}\n")
    monkeypatch.setenv("TRAINSHED_MACHINES", str(sizes))
    cluster.kubelet.plays = [first, second]


def runs(kubelet, name):
    kubelet.running(name)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (ends(0), ends(0), 0),
        # the first process's end is the training's, whatever the others are still about
        (ends(0), runs, 0),
        (ends(2), ends(75), 2),
        (ends(75), ends(75), 75),
        # what lost another says less than what was lost
        (ends(75), ends(2), 2),
        (ends(137), ends(75), -9),
    ],
)
def test_how_a_job_of_two_nodes_ends(cluster, task, monkeypatch, tmp_path, first, second, code):
    two_nodes(cluster, first, second, monkeypatch, tmp_path)
    assert launch(task) == code
    assert (cluster.trainer.jobs, cluster.pods) == ({}, [])
    assert [pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] for pod in cluster.created] == ["0", "1"]


def test_a_second_node_without_memory_is_told(cluster, task, monkeypatch, tmp_path):
    two_nodes(cluster, ends(75), ends(137, "OOMKilled"), monkeypatch, tmp_path)
    with pytest.raises(Unavailable, match="OOMKilled"):
        launch(task)


def test_a_second_node_that_is_waited_for_is_told(cluster, task, monkeypatch, tmp_path, caplog):
    def waits(kubelet, name):
        unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes have a GPU"}
        cluster.patch(name, {"status": {"conditions": [unschedulable]}})
        after(cluster, 6, lambda: [kubelet.ended(pod, 0) for pod in cluster.pods])

    two_nodes(cluster, runs, waits, monkeypatch, tmp_path)
    assert launch(task) == 0
    assert [record.getMessage() for record in caplog.records].count("waiting for a node: 0/3 nodes have a GPU") == 1


def test_a_first_node_that_is_gone_is_no_end_before_the_job_says_so(cluster, task, monkeypatch, tmp_path):
    def play(kubelet, name):
        kubelet.running(name)
        cluster.remove(cluster.pods[0])
        kubelet.ended(name, 0)
        after(cluster, 6, lambda: cluster.trainer.condition(cluster.trainer.created[0], "Failed", "JobsFailed", "a pod is gone"))

    two_nodes(cluster, runs, play, monkeypatch, tmp_path)
    with pytest.raises(Unavailable, match="failed: JobsFailed a pod is gone"):
        launch(task)


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


@pytest.mark.parametrize("earlier", [TrainJobOperator, KubernetesOperator])
def test_a_redeployment_stops_the_job_of_the_earlier_plan(cluster, task, recipe_folder, earlier):
    """Also if another launcher had started it."""
    request = ATTEMPT.request.model_copy(update={"fingerprint": "cd" * 32})
    first = next(earlier(step=step) for step in trace(read_recipe(recipe_folder / "first.yaml")) if step.id == "finetuning")
    cluster.kubelet.plays = [lambda kubelet, name: (kubelet.running(name), after(cluster, 3, first.on_kill))]
    ti = SimpleNamespace(
        dag_id="first", task_id="finetuning", run_id="r1", map_index=-1, try_number=1,
        get_task_states=lambda dag_id, task_ids, run_ids, map_index=None: {run_ids[0]: {task_ids[0]: "running"}},
    )  # fmt: skip
    with pytest.raises(TryAgain, match="runs on"):
        first.launch(ATTEMPT._replace(request=request), {"ti": ti, "run_id": "r1", "dag": SimpleNamespace()})
    assert len(cluster.pods) == 1
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert (cluster.trainer.jobs, cluster.pods) == ({}, [])


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


@pytest.mark.prove
@pytest.mark.timeout(600)  # several attempts, each of which starts torch
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
    with pytest.raises(TryAgain, match="NodeShutdown"):
        run.execute(task)
    reference = run.execute(task)
    assert open_artifacts(run.settings).find("pretraining", reference["fingerprint"])
    assert len(cluster.trainer.created) == 2
    assert re.search(r"resumed at step 4\b", caplog.text)


@pytest.mark.prove
@pytest.mark.timeout(600)  # several attempts, each of which starts torch
def test_two_nodes_train_one_model_and_one_that_is_lost_costs_an_interval(make_line, cluster, monkeypatch, tmp_path, caplog):
    line = make_line()
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    cluster.secrets = {f"trainshed-{stage}": keys for stage in ("ingestion", "tokenization", "pretraining")}
    sizes = tmp_path / "sizes.yaml"
    sizes.write_text(
        "one: &one {cpus: 1, memory_mb: 512, scratch_mb: 100, priority_class: trainshed-training}\n"
        "two: {<<: *one, nodes: 2}\ncpu-small: *one\ngpu-1: *one\n"
    )
    monkeypatch.setenv("TRAINSHED_MACHINES", str(sizes))
    monkeypatch.setenv("TRAINSHED_LAUNCHER", "trainjob")
    recipe = override(line.recipe, {"pretraining.steps": 12, "resources.pretraining": "two"})
    run = Run(recipe, f"{recipe.name}-1", load_settings(line.settings.state))
    for step in ("ingestion", "tokenization"):
        run.execute(run.operator(TrainJobOperator, step))

    def lose(name, said):
        if "checkpoint committed" in said and "step=4" in said:
            cluster.kubelet.on_line = None
            cluster.kubelet.kill(cluster.pods[1])

    cluster.kubelet.on_line = lose
    task = run.operator(TrainJobOperator, "pretraining")
    with pytest.raises(TryAgain):
        run.execute(task)
    reference = run.execute(task)
    made = open_artifacts(run.settings).find("pretraining", reference["fingerprint"])
    assert made.provenance.environment["processes"] == "2"
    assert len(cluster.trainer.created) == 2
    assert len(re.findall(r"resumed at step 4\b", caplog.text)) == 1
