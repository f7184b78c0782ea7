"""A task that leaves its worker while its pod runs: a trigger waits, and the task goes on where it was."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import TaskDeferred
from fixtures.kubernetes_worker import ATTEMPT

from pipeline.launchers.kubernetes import operator as launcher
from pipeline.launchers.kubernetes import trigger as triggers
from pipeline.launchers.kubernetes.operator import KubernetesOperator
from pipeline.launchers.trainjob.operator import TrainJobOperator
from pipeline.lines import trace
from pipeline.lookup import load_object
from pipeline.recipe import read_recipe

if TYPE_CHECKING:
    from pipeline.launchers.kubernetes.trigger import PodEndTrigger


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "POLL_S", 0.01)
    monkeypatch.setattr(launcher, "DEFER_AFTER_S", 0.0)
    monkeypatch.setattr(triggers, "POLL_S", 0.01)
    monkeypatch.setattr(triggers, "STOP_WITHIN_S", 5.0)
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path))


@pytest.fixture(params=[KubernetesOperator, TrainJobOperator])
def task(recipe_folder, request):
    return next(
        request.param(step=step, deferrable=True) for step in trace(read_recipe(recipe_folder / "first.yaml")) if step.id == "finetuning"
    )


def launch(task):
    ti = SimpleNamespace(dag_id="first", task_id="finetuning", run_id="r1", map_index=-1, try_number=1)
    return task.launch(ATTEMPT, {"ti": ti, "run_id": "r1", "dag": SimpleNamespace()})


def says(kubelet, name, *numbers):
    for number in numbers:
        kubelet.say(name, f"2026-01-02T03:04:05 INFO body said {number}")


def runs(kubelet, name):
    kubelet.running(name)
    says(kubelet, name, 0)


def left(task, cluster) -> TaskDeferred:
    """The task starts its pod, or job, and leaves."""
    cluster.kubelet.plays = [runs]
    with pytest.raises(TaskDeferred) as caught:
        launch(task)
    return caught.value


def again(deferred: TaskDeferred) -> PodEndTrigger:
    """The trigger as a triggerer makes it from the database."""
    path, arguments = deferred.trigger.serialize()
    module, _, name = path.rpartition(".")
    return load_object(f"{module}:{name}")(**arguments)


def waited(trigger: PodEndTrigger) -> dict:
    async def first():
        return await asyncio.wait_for(anext(aiter(trigger.run())), 30)

    return asyncio.run(first()).payload


def is_over(cluster, name, code=0):
    cluster.kubelet.ended(name, code)
    for job in cluster.trainer.jobs:
        cluster.trainer.condition(job, "Failed" if code else "Complete", "Ended", "all of it")


def test_the_trigger_waits_and_the_task_goes_on_where_it_was(cluster, task, caplog):
    deferred = left(task, cluster)
    assert deferred.method_name == "resume_after_trigger"
    (name,) = cluster.pods
    # more than a retry would be shown of what a pod has said before
    threading.Timer(0.3, lambda: (says(cluster.kubelet, name, *range(1, 500)), is_over(cluster, name))).start()
    assert waited(again(deferred)) == {}
    task.last_line = deferred.kwargs["last_line"]
    assert launch(task) == 0
    told = [record.getMessage().rpartition(" ")[2] for record in caplog.records if "body said" in record.getMessage()]
    assert told == [str(number) for number in range(500)]
    assert len(cluster.created) == 1
    assert cluster.pods == []


def test_what_a_pod_said_that_was_silent_before_is_all_shown(cluster, task, caplog):
    cluster.kubelet.plays = [lambda kubelet, name: kubelet.running(name)]
    with pytest.raises(TaskDeferred) as caught:
        launch(task)
    (name,) = cluster.pods
    says(cluster.kubelet, name, *range(500))
    is_over(cluster, name)
    task.last_line = caught.value.kwargs["last_line"]
    assert launch(task) == 0
    assert sum("body said" in record.getMessage() for record in caplog.records) == 500


@pytest.mark.parametrize(
    "happens",
    [
        lambda cluster, name: is_over(cluster, name, 75),
        lambda cluster, name: (cluster.trainer.jobs.clear(), cluster.remove(name)),
        lambda cluster, name: ([job["metadata"].update(uid="another") for job in cluster.trainer.jobs.values()],
                               cluster.patch(name, {"metadata": {"uid": "another"}})),
        lambda cluster, name: ([job["metadata"].update(deletionTimestamp="2026-01-02T03:04:05Z") for job in cluster.trainer.jobs.values()],
                               cluster.patch(name, {"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}})),
    ],
    ids=["failed", "gone", "another", "being deleted"],
)  # fmt: skip
def test_whatever_ends_the_pod_ends_the_waiting(cluster, task, happens):
    deferred = left(task, cluster)
    happens(cluster, cluster.pods[0])
    assert waited(again(deferred)) == {}


def test_an_api_server_that_is_away_for_a_while_is_waited_for(cluster, task):
    deferred = left(task, cluster)
    (name,) = cluster.pods
    cluster.away = True

    def back():
        cluster.away = False
        is_over(cluster, name)

    threading.Timer(1, back).start()
    assert waited(again(deferred)) == {}


def test_one_that_stays_away_hands_the_pod_back_to_the_task(cluster, task, monkeypatch):
    monkeypatch.setenv("TRAINSHED_KUBERNETES_RETRY_MIN", "0.01")
    deferred = left(task, cluster)
    cluster.away = True
    assert "error" in waited(again(deferred))


def test_a_triggerer_without_permission_hands_the_pod_back_and_the_task_stays(cluster, task, caplog):
    deferred = left(task, cluster)
    cluster.refusals["get"] = (403, 'User "system:serviceaccount:airflow:triggerer" cannot get resource')
    event = waited(again(deferred))
    assert "Forbidden" in event["error"]
    cluster.refusals.clear()
    task.trigger_error = event["error"]
    is_over(cluster, cluster.pods[0])
    assert launch(task) == 0


def test_what_a_person_ends_meanwhile_is_deleted(cluster, task):
    deferred = left(task, cluster)
    asyncio.run(again(deferred).on_kill())
    assert cluster.pods == []
    # once more, and nobody minds
    asyncio.run(again(deferred).on_kill())


def test_a_short_step_is_followed_to_its_end(cluster, task, monkeypatch):
    monkeypatch.setattr(launcher, "DEFER_AFTER_S", 60.0)
    cluster.kubelet.plays = [lambda kubelet, name: (runs(kubelet, name), is_over(cluster, name))]
    assert launch(task) == 0


def test_nobody_leaves_unless_airflow_says_so(recipe_folder):
    steps = trace(read_recipe(recipe_folder / "first.yaml"))
    assert not any(KubernetesOperator(step=step).deferrable for step in steps)
