"""Plan a run again because what it was planned with has changed: a stored artifact is damaged, or the champion is another one.

A damaged artifact is quarantined by then, so the new plan has a miss for it and everything is rebuilt in its own task with its own
log. Against another champion, the new plan scores that one and decides again. The step clears its own DAG run through the execution API, as Airflow's operator that triggers a DAG resets an existing run:
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


def replanned_key(run: str, number: int) -> str:
    """Key of the object that records that a run was planned again, for the first, second, … time."""
    return f"runs/{run}/replanned-{number}.json"


def replan(context: Any, run: str, store: Store, most: int) -> bool:  # noqa: ANN401 - Airflow's context
    """Clear the DAG run of the running task, so that Airflow plans it again.

    Args:
        context: of the task.
        run: name of the run.
        store: where it is recorded that this was done.
        most: how often a run is planned again.

    Returns:
        False if this run was planned again as often, or Airflow refuses: the task has to fail by itself.
    """
    from pipeline.operators.start_dag import start_dag
    from pipeline.runs.names import new_run_name, recipe_of_dag

    task = context["ti"]
    # the attempt's id makes the bytes unique: if the response to our own put is lost, its retry is not taken for another attempt's
    mark = json.dumps({"step": task.task_id, "attempt": str(task.id)}).encode()
    if not any(_record(store, replanned_key(run, number), mark) for number in range(1, most + 1)):
        return False
    if ends_proposals(task.dag_id):
        # the line of a proposal cannot score the new champion: the line that made the proposal does
        recipe = recipe_of_dag(task.dag_id)
        refused = start_dag(recipe, new_run_name(recipe), {})
    else:
        refused = start_dag(task.dag_id, context["run_id"], {}, reset=True)
    if refused:
        log.warning("Airflow refused to plan the run again: %s", refused)
    return not refused


def ends_proposals(dag_id: str) -> bool:
    """Whether a DAG is that of a line that ends proposals: it cannot do what a new champion asks for."""
    from pipeline.runs.names import line_of_dag

    return line_of_dag(dag_id) == "promote"


def _record(store: Store, key: str, mark: bytes) -> bool:
    """Write the object unless it exists; return whether it did not."""
    try:
        store.put(key, mark, if_absent=True)
    except Conflict:
        return False
    return True
