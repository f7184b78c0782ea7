"""The end of a DAG run ends its MLflow run, and writes the page of all models.

Airflow runs these callbacks in the DAG processor, about a second after the run ended, also when every task was skipped. It does
not run them when a person sets the state of a whole run by hand, so `trainshed stop` ends the MLflow run itself.
"""

from __future__ import annotations

from typing import Any

from pipeline.operators.credentials import task_settings
from pipeline.runs.names import recipe_of_dag, run_name


def run_succeeded(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """The run succeeded."""
    _end(context, "FINISHED")


def run_failed(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """A task of the run failed for good."""
    _end(context, "FAILED")


def _end(context: Any, status: str) -> None:  # noqa: ANN401 - Airflow's context
    from pipeline.pages.index import try_write_index
    from pipeline.tracking import end_run

    dag_id, settings = context["dag"].dag_id, task_settings()
    end_run(settings, recipe_of_dag(dag_id), run_name(dag_id, context["run_id"]), status)
    try_write_index(settings)
