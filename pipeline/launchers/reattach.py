"""Continue, stop or detach: what a task does about the component it follows when Airflow ends the task.

A container, a pod or a TrainJob outlives the task that follows it. Airflow ends a task in one way only: SIGTERM, and SIGKILL five
seconds later. The reasons differ: a person marked it failed or cleared it, its heartbeats were lost, a restarted scheduler gave it to
another attempt, the worker shuts down. Only the task's state in Airflow's database tells them apart. If that state is final, the
component is stopped. In every other case, also when Airflow does not answer, the component runs on and the next attempt re-attaches:
unwanted work costs minutes, lost work costs days.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError

from pipeline.operators.launch import TaskKey

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

TASK_OVER = frozenset({"failed", "success", "skipped", "removed", "upstream_failed"})
"""States after which no other attempt comes, unless a person clears the task."""

ATTEMPT_OVER = TASK_OVER | {"restarting"}
"""States that end a running attempt for good. ``restarting`` is a task that was cleared while it ran: who clears it wants a new start."""


class Action(StrEnum):
    """What to do now."""

    CONTINUE = "continue"
    """Airflow asked for nothing: follow the component."""

    STOP = "stop"
    """Ask the component to checkpoint and end."""

    DETACH = "detach"
    """End this attempt and leave the component running; the next attempt finds it."""


def next_action(killed: bool, state: Callable[[], str | None]) -> Action:
    """What a task that follows a component does now.

    Args:
        killed: whether Airflow called ``on_kill``.
        state: asks Airflow for the task's state, None when it has no state or does not answer; called only after a kill.
    """
    if not killed:
        return Action.CONTINUE
    return Action.STOP if state() in ATTEMPT_OVER else Action.DETACH


def task_key(context: Any) -> TaskKey:  # noqa: ANN401 - Airflow's context
    """The running task."""
    task = context["ti"]
    return TaskKey(task.dag_id, context["run_id"], task.task_id, task.map_index)


def task_state(context: Any) -> str | None:  # noqa: ANN401 - Airflow's context
    """State of the running task in Airflow's database, whichever attempt it belongs to; None when it cannot be read.

    The question passes through the task's supervisor, which still answers during the five seconds before SIGKILL.
    """
    task = task_key(context)
    states = _read_states(context, task)
    return states.get(_state_name(task)) if states else None


def is_over(context: Any, task: TaskKey) -> bool:  # noqa: ANN401 - Airflow's context
    """Whether no other attempt of a task comes: its state says so, or its run was deleted. False if Airflow does not answer."""
    states = _read_states(context, task)
    return states is not None and (not states or states.get(_state_name(task)) in TASK_OVER)


def _state_name(task: TaskKey) -> str:
    """What Airflow calls a task in its answer."""
    return task.task if task.map_index < 0 else f"{task.task}_{task.map_index}"


def _read_states(context: Any, task: TaskKey) -> dict[str, str | None] | None:  # noqa: ANN401 - Airflow's context
    """State by task id, empty if there is no such task; None if Airflow does not answer."""
    try:
        index = None if task.map_index < 0 else task.map_index
        found = context["ti"].get_task_states(task.dag, map_index=index, task_ids=[task.task], run_ids=[task.run])
    except (AirflowRuntimeError, OSError, EOFError) as error:
        log.warning("cannot read the state of %s from Airflow (%s)", task.task, type(error).__name__)
        return None
    states = found.get(task.run, {})
    return {name: str(getattr(state, "value", state)) if state else None for name, state in states.items()}
