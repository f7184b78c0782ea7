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

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

FINAL_STATES = frozenset({"failed", "success", "skipped", "removed", "upstream_failed", "restarting"})
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
    return Action.STOP if state() in FINAL_STATES else Action.DETACH


def task_state(context: Any) -> str | None:  # noqa: ANN401 - Airflow's context
    """State of the running task in Airflow's database, whichever attempt it belongs to; None when it cannot be read.

    The question passes through the task's supervisor, which still answers during the five seconds before SIGKILL.
    """
    task = context["ti"]
    try:
        found = task.get_task_states(task.dag_id, task_ids=[task.task_id], run_ids=[context["run_id"]])
    except (AirflowRuntimeError, OSError, EOFError) as error:
        log.warning("cannot read the state of %s from Airflow (%s): the component runs on", task.task_id, type(error).__name__)
        return None
    state = found.get(context["run_id"], {}).get(task.task_id)
    return str(getattr(state, "value", state)) if state else None
