"""What became of a pod, read from its status: still waiting and for what, running, or ended and how.

Pure functions over the pod as the API server shows it. What the component itself said is its exit code; what happened *to* it
(no image, no memory, no node) stands in reasons and conditions, and is told in one line with the mend.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import detect_pod_terminate_early_issues

from pipeline.errors import BadInput, Unavailable

NEVER_STARTS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""Reasons for which a container waits for ever: a Secret that is missing, an image that wants to be root, no such command."""

NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
LOST = frozenset({"Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting", "UnexpectedAdmissionError"})
"""Reasons for which a pod ends through no fault of its component."""

SIGNALLED = 128
"""A container that died of signal N ends with 128 + N."""


def exit_code(pod: Any) -> int | None:  # noqa: ANN401 - the client's V1Pod
    """How the component ended: its exit code, the negative number of the signal it died of, None while it has not ended.

    Raises:
        BadInput: it can never start so: no such image, no such Secret, no such command.
        Unavailable: it was killed for want of memory or disk, or its node was lost.
    """
    phase = pod.status.phase
    if phase == "Succeeded":
        return 0
    if phase == "Failed":
        return _failed(pod)
    _check_start(pod)
    return None


def waiting_for(pod: Any) -> str:  # noqa: ANN401 - the client's V1Pod
    """Why a pod that is pending does not run yet, for the log; empty when there is nothing to tell."""
    for gate in pod.spec.scheduling_gates or ():
        return f"admission ({gate.name})"
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"a node: {_line(condition.message or condition.reason)}"
    state = _state(pod)
    if state and state.waiting and state.waiting.reason:
        return f"its container: {_line(f'{state.waiting.reason} {state.waiting.message or str()}')}"
    return ""


def _check_start(pod: Any) -> None:  # noqa: ANN401
    state = _state(pod)
    waiting = state.waiting if state else None
    if waiting is None:
        return
    if detect_pod_terminate_early_issues(pod):
        raise BadInput(
            f"image {pod.spec.containers[0].image} cannot be pulled: {_line(f'{waiting.reason} {waiting.message or str()}')}",
            "an image the cluster's nodes can pull",
            "build and push it (make images), or correct TRAINSHED_IMAGES",
        )
    if waiting.reason in NEVER_STARTS:
        raise BadInput(
            f"the container cannot start: {_line(f'{waiting.reason} {waiting.message or str()}')}",
            "the image, Secret and service account that infra/kubernetes and make images bring",
            "create what is missing",
        )


def _failed(pod: Any) -> int:  # noqa: ANN401
    state = _state(pod)
    ended = state.terminated if state else None
    if ended and ended.reason == "OOMKilled":
        raise Unavailable(
            f"{_step(pod)} was killed for want of memory: it needed more than {_limit(pod, 'memory')}",
            "a step that fits its machine",
            "name a larger size under resources: in the recipe, or make the batch smaller",
        )
    if ended and ended.reason in NOT_STARTED:
        raise BadInput(
            f"image {pod.spec.containers[0].image} does not start: {_line(ended.message)}", "a Trainshed image", "correct TRAINSHED_IMAGES"
        )
    # an exit code that says how the component itself ended says more than what befell the pod
    lost = _lost(pod)
    if lost and (ended is None or ended.exit_code >= SIGNALLED or ended.exit_code == 0):
        short = "ephemeral" in lost
        mend = "name a size with more scratch_mb" if short else "nothing: the next attempt goes on from the last checkpoint"
        raise Unavailable(f"{_step(pod)} was evicted: {lost}", "disk enough on its node" if short else "a node that stays", mend)
    if ended is None:
        why = _line(f"{pod.status.reason or ''} {pod.status.message or ''}") or "no reason given"
        raise Unavailable(
            f"the pod of {_step(pod)} failed before its container ran: {why}", "a pod that starts", "see the events of its node"
        )
    code: int = ended.exit_code
    return SIGNALLED - code if code > SIGNALLED else code


def _lost(pod: Any) -> str:  # noqa: ANN401
    if pod.status.reason in LOST:
        return _line(f"{pod.status.reason} {pod.status.message or ''}")
    for condition in pod.status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True":
            return _line(f"{condition.reason} {condition.message or ''}")
    return ""


def _state(pod: Any) -> Any:  # noqa: ANN401
    # the component is the first container; whatever a cluster adds to its pods comes behind it
    name = pod.spec.containers[0].name
    found = [status.state for status in pod.status.container_statuses or () if status.name == name]
    return found[0] if found else None


def _step(pod: Any) -> str:  # noqa: ANN401
    return str(pod.metadata.labels["trainshed/step"])


def _limit(pod: Any, name: str) -> str:  # noqa: ANN401
    return str(pod.spec.containers[0].resources.limits[name])


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
