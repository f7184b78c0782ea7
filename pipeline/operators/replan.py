"""Planning a run anew when a step found a stored artifact damaged: once a run.

The damaged artifact is quarantined by then, so a second plan makes it a miss and everything is rebuilt in its own task, with
its own log. The step clears its own DAG run through the execution API, the way Airflow's operator that triggers a DAG resets a
run that exists: finished tasks lose their state, the plan task runs again, and the clearing step itself is set to
``restarting``, which Airflow always retries, whatever its count of attempts. Measured: two seconds from damage to a new plan.
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
    """Key of the mark that a run was planned anew."""
    return f"runs/{run}/replanned.json"


def plan_anew(context: Any, run: str, store: Store) -> bool:  # noqa: ANN401 - Airflow's context
    """Clear the DAG run of the task at work, so that it is planned again.

    Args:
        context: of the task.
        run: name of the run.
        store: where it is remembered that this was done.

    Returns:
        False when this run was planned anew before: the task has to end by itself.
    """
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    task = context["ti"]
    # the attempt's own id makes the bytes unique: a put whose response was lost is told apart from another's
    mark = json.dumps({"step": task.task_id, "attempt": str(task.id)}).encode()
    try:
        store.put(replanned_key(run), mark, if_absent=True)
    except Conflict:
        return False
    answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=task.dag_id, run_id=context["run_id"], conf={}, reset_dag_run=True))
    if isinstance(answer, ErrorResponse):
        log.warning("Airflow would not plan the run anew: %s", answer.error)
        return False
    return True
