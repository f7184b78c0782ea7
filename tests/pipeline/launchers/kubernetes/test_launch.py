"""The launcher against a fake cluster: what may befall a pod, and what the task makes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from fixtures.kubernetes_worker import ATTEMPT

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.kubernetes import operator as launcher
from pipeline.launchers.kubernetes.operator import KubernetesOperator
from pipeline.lines import trace
from pipeline.operators.exit_codes import TryAgain
from pipeline.recipe import read_recipe


class Task:
    """As much of Airflow's task instance as the launcher asks."""

    dag_id, task_id, run_id, map_index, try_number, id = "first", "finetuning", "r1", -1, 1, "1"
    state = "running"

    def get_task_states(self, dag_id, task_ids, run_ids, map_index=None):
        return {run_ids[0]: {task_ids[0]: self.state}}


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "POLL_S", 0.01)
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path))
    monkeypatch.setenv("TRAINSHED_KUBERNETES_RETRY_MIN", "0.5")


def new_task(recipe_folder):
    steps = {step.id: step for step in trace(read_recipe(recipe_folder / "first.yaml"))}
    return KubernetesOperator(step=steps["finetuning"])


@pytest.fixture
def task(recipe_folder):
    return new_task(recipe_folder)


def launch(task, instance=None):
    context = {"ti": instance or Task(), "run_id": "r1", "dag": SimpleNamespace()}
    return task.launch(ATTEMPT, context)


def ends(code, reason=None):
    def play(kubelet, name):
        kubelet.running(name)
        kubelet.say(name, "2026-01-02T03:04:05 WARNING body said this")
        kubelet.ended(name, code, reason)

    return play


def until_asked(cluster, count, then):
    """Do something once the API server was asked so many times more: the task follows the pod meanwhile."""
    cluster.on_question = (len(cluster.asked) + count, then)


def test_a_pod_that_ends_well(cluster, task, caplog):
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert [pod["metadata"]["labels"]["task_id"] for pod in cluster.created] == ["finetuning"]
    assert cluster.pods == []
    assert [(r.levelname, r.getMessage()) for r in caplog.records if "body said" in r.getMessage()] == [
        ("WARNING", "2026-01-02T03:04:05 WARNING body said this")
    ]


@pytest.mark.parametrize(("code", "expected"), [(2, 2), (75, 75), (1, 1), (137, -9), (143, -15)])
def test_an_exit_code_is_handed_on_and_the_pod_cleared_away(cluster, task, code, expected):
    cluster.kubelet.plays = [ends(code)]
    assert launch(task) == expected
    assert cluster.pods == []


def test_a_pod_may_wait_long_and_says_for_what(cluster, task, caplog):
    def play(kubelet, name):
        unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes have a GPU"}
        cluster.patch(name, {"status": {"phase": "Pending", "conditions": [unschedulable]}})
        until_asked(cluster, 8, lambda: ends(0)(kubelet, name))

    cluster.kubelet.plays = [play]
    assert launch(task) == 0
    assert [r.getMessage() for r in caplog.records].count("waiting for a node: 0/3 nodes have a GPU") == 1


def test_a_pod_that_waits_too_long_is_given_up_for_now(cluster, task, monkeypatch):
    monkeypatch.setenv("TRAINSHED_KUBERNETES_QUEUE_MIN", "0.001")
    cluster.kubelet.plays = [lambda kubelet, name: None]
    with pytest.raises(Unavailable, match="waited 0 minutes for a node"):
        launch(task)
    assert cluster.pods == []


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("ErrImagePull", 'pull access denied for "trainshed/finetuning"', "cannot pull image.*make images"),
        ("InvalidImageName", "couldn't parse image name", "cannot pull image.*TRAINSHED_IMAGES"),
        ("CreateContainerConfigError", 'secret "trainshed-finetuning" not found', 'cannot start.*secret "trainshed-finetuning" not found'),
    ],
)
def test_what_can_never_start_is_bad_input_and_leaves_no_pod(cluster, task, reason, message, words):
    cluster.kubelet.plays = [lambda kubelet, name: kubelet.waiting(name, reason, message)]
    with pytest.raises(BadInput, match=words) as caught:
        launch(task)
    assert "\n" not in str(caught.value)
    assert cluster.pods == []


def test_a_registry_that_is_busy_is_waited_for(cluster, task):
    def play(kubelet, name):
        kubelet.waiting(name, "ErrImagePull", "toomanyrequests: too many requests")
        until_asked(cluster, 6, lambda: ends(0)(kubelet, name))

    cluster.kubelet.plays = [play]
    assert launch(task) == 0


def test_oom_killed_is_told_in_one_line_and_retried(cluster, task):
    cluster.kubelet.plays = [ends(137, "OOMKilled")]
    with pytest.raises(Unavailable, match=r"^OOMKilled: exceeded the 32768Mi memory limit; fix: .*resources:") as caught:
        launch(task)
    assert "\n" not in str(caught.value)
    assert cluster.pods == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            {"reason": "Evicted", "message": "The node was low on resource: memory."},
            "^Evicted: The node was low.*last checkpoint",
        ),
        ({"reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the limit"}, "scratch_mb"),
        ({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]}, "PreemptionByScheduler"),
    ],
)
def test_an_evicted_pod_is_retried(cluster, task, status, words):
    def play(kubelet, name):
        kubelet.running(name)
        kubelet.ended(name, 137)
        cluster.patch(name, {"status": status})

    cluster.kubelet.plays = [play]
    with pytest.raises(Unavailable, match=words):
        launch(task)
    assert cluster.pods == []


def test_a_component_that_checkpointed_when_it_was_evicted_says_so_itself(cluster, task):
    def play(kubelet, name):
        kubelet.ended(name, 75)
        cluster.patch(name, {"status": {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]}})

    cluster.kubelet.plays = [play]
    assert launch(task) == 75


def test_a_node_that_is_gone_for_good_frees_the_name_for_the_next_attempt(cluster, task):
    """The taint manager deletes the pod, but no kubelet is left that could confirm it."""

    def play(kubelet, name):
        kubelet.running(name)
        gone = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"reason": "NodeLost"}}
        until_asked(cluster, 5, lambda: cluster.patch(name, gone))

    cluster.kubelet.plays = [play, ends(0)]
    with pytest.raises(Unavailable, match=r"lost its node.*last checkpoint"):
        launch(task)
    assert cluster.pods == []
    assert launch(task) == 0


def test_a_pod_that_somebody_deleted_is_retried(cluster, task):
    def play(kubelet, name):
        kubelet.running(name)
        until_asked(cluster, 5, lambda: cluster.remove(name))

    cluster.kubelet.plays = [play]
    with pytest.raises(Unavailable, match="disappeared"):
        launch(task)


def test_quota_that_is_exhausted_is_waited_for(cluster, task, caplog):
    message = 'pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 8, limited: 8'
    cluster.refusals["create"] = (403, message)
    cluster.kubelet.plays = [ends(0)]
    until_asked(cluster, 5, cluster.refusals.clear)
    assert launch(task) == 0
    assert sum(message in r.getMessage() for r in caplog.records) == 1


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (
            403,
            'User "system:serviceaccount:airflow:worker" cannot create resource "pods"',
            "no permission to create pods in namespace trainshed.*bind the role",
        ),
        (
            403,
            'error looking up service account trainshed/trainshed-finetuning: serviceaccount "trainshed-finetuning" not found',
            "refuses.*not found",
        ),
        (404, 'namespaces "trainshed" not found', 'namespace trainshed: namespaces "trainshed" not found'),
        (422, "Pod is invalid: spec.priorityClassName", "refuses to create pods: Pod is invalid"),
        (401, "Unauthorized", "does not accept the credentials"),
    ],
)
def test_what_is_refused_is_bad_input_with_the_mend(cluster, task, monkeypatch, status, message, words):
    monkeypatch.setenv("TRAINSHED_KUBERNETES_RETRY_MIN", "0")
    cluster.refusals["create"] = (status, message)
    with pytest.raises(BadInput, match=words) as caught:
        launch(task)
    assert "\n" not in str(caught.value)
    assert cluster.created == []


def test_an_api_server_that_is_away_ends_nothing(cluster, task, caplog):
    def play(kubelet, name):
        kubelet.running(name)
        cluster.away = True
        kubelet.say(name, "2026-01-02T03:04:05 INFO body said while it was away")
        kubelet.ended(name, 0)
        threading.Timer(2, back).start()

    def back():
        cluster.away = False

    cluster.kubelet.plays = [play]
    assert launch(task) == 0
    assert len(cluster.created) == 1
    told = [r.getMessage() for r in caplog.records]
    assert sum("is unreachable" in text for text in told) == 1
    assert sum("said while it was away" in text for text in told) == 1


def test_one_that_stays_away_leaves_the_pod_to_the_next_attempt(cluster, task, monkeypatch):
    monkeypatch.setenv("TRAINSHED_KUBERNETES_RETRY_MIN", "0.01")

    def play(kubelet, name):
        kubelet.running(name)
        cluster.away = True

    cluster.kubelet.plays = [play]
    with pytest.raises(Unavailable, match=r"is unreachable.*the next attempt finds it"):
        launch(task)
    cluster.away = False
    (name,) = cluster.pods
    cluster.kubelet.ended(name, 0)
    assert launch(task) == 0
    assert len(cluster.created) == 1


def killed(task, cluster, instance):
    """Airflow tells the task to end once its pod runs."""

    def play(kubelet, name):
        kubelet.running(name)
        until_asked(cluster, 5, task.on_kill)

    cluster.kubelet.plays = [play]
    with pytest.raises(TryAgain) as caught:
        launch(task, instance)
    return str(caught.value)


@pytest.mark.parametrize("state", ["running", "queued", "up_for_retry"])
def test_a_lost_heartbeat_or_a_restarted_scheduler_leaves_the_pod_and_the_retry_follows_it(cluster, task, state):
    instance = Task()
    instance.state = state
    assert "runs on" in killed(task, cluster, instance)
    (name,) = cluster.pods
    assert "deletionTimestamp" not in cluster.pod(name)["metadata"]
    cluster.kubelet.ended(name, 0)
    assert launch(task) == 0
    assert len(cluster.created) == 1


@pytest.mark.parametrize("state", ["failed", "success", "skipped"])
def test_what_a_person_marked_is_deleted(cluster, task, state):
    instance = Task()
    instance.state = state
    assert "stopped" in killed(task, cluster, instance)
    assert cluster.pods == []


def test_an_earlier_pod_on_its_way_out_is_waited_for(cluster, task):
    assert "runs on" in killed(task, cluster, Task())
    (name,) = cluster.pods
    cluster.patch(name, {"metadata": {"deletionTimestamp": "2126-01-01T00:00:00Z"}})
    until_asked(cluster, 6, lambda: cluster.remove(name))
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert len(cluster.created) == 2


def test_a_finished_pod_that_nobody_heard_of_counts_once(cluster, task):
    """The worker died; the pod ended with 1 meanwhile: that end is told, and the next attempt is a new pod."""
    assert "runs on" in killed(task, cluster, Task())
    (name,) = cluster.pods
    cluster.kubelet.ended(name, 1)
    assert launch(task) == 1
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert len(cluster.created) == 2


def of(fingerprint, **changes):
    return ATTEMPT._replace(request=ATTEMPT.request.model_copy(update={"fingerprint": fingerprint * 32, **changes}))


def test_a_redeployment_stops_the_pod_of_the_earlier_plan(cluster, task, caplog):
    """The retry has another fingerprint, so another name: nobody would follow the first pod any more."""
    context = {"ti": Task(), "run_id": "r1", "dag": SimpleNamespace()}
    for attempt in (of("cd"), of("ef", run="another-run"), of("ab", step="pretraining")):
        cluster.kubelet.plays = [lambda kubelet, name: (kubelet.running(name), until_asked(cluster, 2, task.on_kill))]
        with pytest.raises(TryAgain, match="runs on"):
            task.launch(attempt, context)
    earlier, *others = cluster.pods
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert cluster.pods == others
    assert f"deleting {earlier}: it works on another fingerprint" in caplog.text


def test_pods_of_another_installation_are_left_alone(cluster, task, monkeypatch):
    cluster.kubelet.plays = [lambda kubelet, name: (kubelet.running(name), until_asked(cluster, 2, task.on_kill))]
    monkeypatch.setenv("TRAINSHED_STORE", "s3://elsewhere")
    with pytest.raises(TryAgain, match="runs on"):
        task.launch(of("cd"), {"ti": Task(), "run_id": "r1", "dag": SimpleNamespace()})
    monkeypatch.delenv("TRAINSHED_STORE")
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert len(cluster.pods) == 1


def test_a_lost_pod_of_an_earlier_plan_does_not_block_the_retry(cluster, task):
    """No kubelet is left that could confirm its deletion."""
    cluster.kubelet.plays = [lambda kubelet, name: (kubelet.running(name), until_asked(cluster, 2, task.on_kill))]
    with pytest.raises(TryAgain, match="runs on"):
        task.launch(of("cd"), {"ti": Task(), "run_id": "r1", "dag": SimpleNamespace()})
    (earlier,) = cluster.pods
    cluster.kubelet.end = lambda name: cluster.patch(name, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    cluster.kubelet.plays = [ends(0)]
    code = launch(task)
    assert (code, earlier in cluster.pods) == (0, False)


def test_several_nodes_are_refused(cluster, task):
    context = {"ti": Task(), "run_id": "r1", "dag": SimpleNamespace()}
    with pytest.raises(BadInput, match=r"2 nodes.*trainjob"):
        task.launch(ATTEMPT._replace(resources="gpu-8x2"), context)


def test_no_cluster_is_told_with_the_setting(task, monkeypatch):
    broken = {"conn_type": "kubernetes", "extra": {"kube_config_path": "/nosuch/config"}}
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(broken))
    with pytest.raises(BadInput, match=r"leads to no cluster.*TRAINSHED_KUBERNETES_CONNECTION"):
        launch(task)


def test_no_more_is_asked_of_the_api_server_than_the_launchers_role_allows(cluster, task):
    cluster.kubelet.plays = [ends(0)]
    assert launch(task) == 0
    assert set(cluster.asked) == {"create", "get", "delete"}
    asked = [request.url.path for request in cluster.api]
    assert asked
    assert all(path.startswith("/api/v1/namespaces/trainshed/pods") for path in asked)


def test_a_worker_that_is_killed_while_its_pod_is_made_leaves_one_that_the_retry_finds(cluster, task, recipe_folder):
    """The worst moment: the API server has the pod, and the worker dies before it has read the answer."""
    worker = [sys.executable, "-m", "fixtures.kubernetes_worker", str(recipe_folder / "first.yaml")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = threading.Event()

    def play(kubelet, name):
        kubelet.running(name)
        assert started.wait(60)
        process.kill()

    cluster.kubelet.plays = [play]
    with subprocess.Popen(worker, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        started.set()
        assert process.wait(120) == -signal.SIGKILL, process.stdout.read()
    (name,) = cluster.pods
    cluster.kubelet.ended(name, 0)
    assert launch(task) == 0
    assert len(cluster.created) == 1


def test_the_retry_follows_the_same_pod_twenty_times_of_twenty(cluster, recipe_folder):
    """Killed after one question more each time: while the pod is made, is read, runs, and when it has just ended."""
    for round_ in range(20):
        first, second = new_task(recipe_folder), new_task(recipe_folder)

        cluster.kubelet.plays = [lambda kubelet, name: kubelet.running(name)]
        until_asked(cluster, 2 + round_ % 7, first.on_kill)
        with pytest.raises(TryAgain, match="runs on"):
            launch(first)
        (name,) = cluster.pods
        cluster.kubelet.ended(name, 0)
        assert launch(second) == 0
        assert cluster.pods == []
    assert len(cluster.created) == 20
