"""Start a run of a DAG from a running task, through Airflow's execution API: the task needs no log-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def start_dag(dag: str, run_id: str, conf: Mapping[str, Any], *, reset: bool = False) -> str:
    """Start a run, in the name of the person who started the run of this task.

    Args:
        dag: id of the DAG.
        run_id: Airflow's id of the run.
        conf: values for its trigger form.
        reset: whether a run of that id is cleared and starts again; if not, that is an error.

    Returns:
        Why Airflow refused; empty if it did not.
    """
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=dag, run_id=run_id, conf=dict(conf), reset_dag_run=reset))
    return str(answer.error) if isinstance(answer, ErrorResponse) else ""
