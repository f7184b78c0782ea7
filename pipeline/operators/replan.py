"""Plan a run again because a step found a stored artifact damaged: once per run.

The damaged artifact is quarantined by then, so the second plan has a miss for it and everything is rebuilt in its own task with its
own log. The step clears its own DAG run through the execution API, as Airflow's operator that triggers a DAG resets an existing run:
finished tasks lose their state, the plan task runs again, and the clearing step itself becomes ``restarting``, which Airflow always
retries, whatever its count of attempts. Measured: two seconds from damage to a new plan.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.base import Conflict

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store

log = logging.getLogger(__name__)


def replanned_key(run: str) -> str:
    """Key of the object that records that a run was planned again."""
    return f"runs/{run}/replanned.json"


def replan(context: Any, run: str, store: Store) -> bool:  # noqa: ANN401 - Airflow's context
    """Clear the DAG run of the running task, so that Airflow plans it again.

    Args:
        context: of the task.
        run: name of the run.
        store: where it is recorded that this was done.

    Returns:
        False if this run was planned again before, or Airflow refuses: the task has to fail by itself.
    """
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    task = context["ti"]
    # the attempt's id makes the bytes unique: if the response to our own put is lost, its retry is not taken for another attempt's
    mark = json.dumps({"step": task.task_id, "attempt": str(task.id)}).encode()
    try:
        store.put(replanned_key(run), mark, if_absent=True)
    except Conflict:
        return False
    answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=task.dag_id, run_id=context["run_id"], conf={}, reset_dag_run=True))
    if isinstance(answer, ErrorResponse):
        log.warning("Airflow refused to plan the run again: %s", answer.error)
        return False
    return True
