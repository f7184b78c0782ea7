"""Stop it, leave it, or go on: what a task does about a component that lives outside of it.

A container, a pod or a job outlives the task that follows it. Airflow tells a task to end in one way only, SIGTERM and five
seconds later SIGKILL, and for many reasons: a person marked it failed or cleared it, its heartbeats were lost, a restarted
scheduler gave it to another attempt, the worker is shut down. Only the task's state in Airflow's database tells them apart. Where a
person, or Airflow for good, has decided, the component is stopped; in every other case, one in which Airflow does not answer
included, it goes on and the next attempt re-attaches: work that was not wanted costs minutes, work that was thrown away costs days.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

DECIDED = frozenset({"failed", "success", "skipped", "removed", "upstream_failed", "restarting"})
"""States that were set while the component ran: nobody waits for this attempt any more. ``restarting`` is a task that was cleared
while it ran: whoever clears wants it begun anew."""


class Course(StrEnum):
    """What to do now."""

    GO_ON = "go on"
    """Nobody asked for anything: follow the component."""

    STOP = "stop"
    """Tell the component to checkpoint and end, within seconds."""

    DETACH = "detach"
    """End this attempt and leave the component alone; the next attempt finds it."""


def course(killed: bool, state: Callable[[], str | None]) -> Course:
    """What a task that follows a component does now.

    Args:
        killed: whether Airflow called ``on_kill``.
        state: asks Airflow for the task's state; called only after a kill; None when it has no state or there is no answer.
    """
    if not killed:
        return Course.GO_ON
    return Course.STOP if state() in DECIDED else Course.DETACH


def state_of_task(context: Any) -> str | None:  # noqa: ANN401 - Airflow's context
    """State that Airflow's database has for the task at work, whichever attempt it belongs to; None when that cannot be learned.

    The question travels through the task's supervisor, which goes on answering during the five seconds before SIGKILL.
    """
    task = context["ti"]
    try:
        found = task.get_task_states(task.dag_id, task_ids=[task.task_id], run_ids=[context["run_id"]])
    except (AirflowRuntimeError, OSError, EOFError) as error:
        log.warning("Airflow does not tell the state of %s (%s): the component goes on", task.task_id, type(error).__name__)
        return None
    state = found.get(context["run_id"], {}).get(task.task_id)
    return str(getattr(state, "value", state)) if state else None
