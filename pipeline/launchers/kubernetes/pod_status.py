"""Reads a pod's status: waiting and for what, running, or ended and how.

Pure functions on the pod as the API server shows it. The component's exit code says how the component ended. What happened to the pod
(image not found, OOMKilled, evicted) is in reasons and conditions, and becomes one line with a fix.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import detect_pod_terminate_early_issues

from pipeline.errors import BadInput, Killed, Unavailable

NEVER_STARTS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""Reasons with which a container waits for ever: a missing Secret, an image that runs as root, a command that does not exist."""

NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
EVICTED = frozenset({"Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting", "UnexpectedAdmissionError"})
"""Reasons with which a pod ends although its component did nothing wrong."""

SIGNALLED = 128
"""A container that signal N killed ends with 128 + N."""


def exit_code(pod: Any) -> int | None:  # noqa: ANN401 - the client's V1Pod
    """The component's exit code, the negative number of the signal that killed it, or None while it has not ended.

    Raises:
        BadInput: it can never start: no such image, no such Secret, no such command.
        Unavailable: it was OOMKilled or evicted, or its node was lost.
    """
    phase = pod.status.phase
    if phase == "Succeeded":
        return 0
    if phase == "Failed":
        return _failed_exit_code(pod)
    _check_start(pod)
    return None


def pending_reason(pod: Any) -> str:  # noqa: ANN401 - the client's V1Pod
    """What a pending pod waits for, for the log; empty if its status does not say."""
    for gate in pod.spec.scheduling_gates or ():
        return f"admission ({gate.name})"
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"a node: {_line(condition.message or condition.reason)}"
    state = _container_state(pod)
    if state and state.waiting and state.waiting.reason:
        return f"its container: {_line(f'{state.waiting.reason} {state.waiting.message or str()}')}"
    return ""


def _check_start(pod: Any) -> None:  # noqa: ANN401
    state = _container_state(pod)
    waiting = state.waiting if state else None
    if waiting is None:
        return
    reason = _line(f"{waiting.reason}: {waiting.message or ''}")
    if detect_pod_terminate_early_issues(pod):
        raise BadInput(
            f"cannot pull image {pod.spec.containers[0].image}: {reason}",
            fix="build and push it (`make images`), or correct TRAINSHED_IMAGES",
        )
    if waiting.reason in NEVER_STARTS:
        raise BadInput(
            f"the container cannot start: {reason}",
            "the image, Secret and service account that infra/kubernetes and make images bring",
            "create what is missing",
        )


def _failed_exit_code(pod: Any) -> int:  # noqa: ANN401
    state = _container_state(pod)
    ended = state.terminated if state else None
    if ended and ended.reason == "OOMKilled":
        raise Killed(
            f"OOMKilled: exceeded the {_limit(pod, 'memory')} memory limit",
            fix="name a larger size under resources: in the recipe, or reduce the batch",
        )
    if ended and ended.reason in NOT_STARTED:
        raise BadInput(f"image {pod.spec.containers[0].image} does not start: {_line(ended.message)}", fix="correct TRAINSHED_IMAGES")
    # an exit code that the component chose says more than the pod's reason
    evicted = _eviction(pod)
    if evicted and (ended is None or ended.exit_code >= SIGNALLED or ended.exit_code == 0):
        disk_full = "ephemeral" in evicted
        fix = "name a size with more scratch_mb" if disk_full else "nothing: the next attempt resumes from the last checkpoint"
        raise Unavailable(evicted, fix=fix)
    if ended is None:
        reason = _line(f"{pod.status.reason or ''} {pod.status.message or ''}") or "no reason given"
        raise Unavailable(f"the pod failed before its container ran: {reason}", fix="read the events of its node")
    code: int = ended.exit_code
    return SIGNALLED - code if code > SIGNALLED else code


def _eviction(pod: Any) -> str:  # noqa: ANN401
    """Why the pod was evicted or lost, e.g. ``"Evicted: The node was low on resource: memory."``; empty if it was not."""
    if pod.status.reason in EVICTED:
        return _line(f"{pod.status.reason}: {pod.status.message or 'no reason given'}")
    for condition in pod.status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True":
            return _line(f"evicted ({condition.reason}): {condition.message or 'no reason given'}")
    return ""


def _container_state(pod: Any) -> Any:  # noqa: ANN401
    # the component is the first container; a cluster may add others behind it
    name = pod.spec.containers[0].name
    found = [status.state for status in pod.status.container_statuses or () if status.name == name]
    return found[0] if found else None


def _limit(pod: Any, name: str) -> str:  # noqa: ANN401
    return str(pod.spec.containers[0].resources.limits[name])


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
