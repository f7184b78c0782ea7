"""The end of a DAG run ends its MLflow run, writes the page of all models, and notifies people; a late run notifies them too.

Airflow runs the callbacks of an end in the DAG processor, about a second after the run ended, also when every task was skipped. It
does not run them when a person sets the state of a whole run by hand, so `trainshed stop` ends the MLflow run itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.operators.credentials import task_settings
from pipeline.runs.names import PLAN_TASK, recipe_of_dag, run_name

if TYPE_CHECKING:
    from pipeline.settings import Settings


def run_succeeded(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """The run succeeded."""
    _end(context, succeeded=True)


def look_succeeded(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """A look at a champion succeeded: nobody is notified of one a day; what it found is on its page, and may start a retraining."""
    _end(context, succeeded=True, tell=False)


def run_failed(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """A task of the run failed for good."""
    _end(context, succeeded=False)


def run_late(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """The deadline of a run has passed before its end; Airflow runs this in the executor."""
    from pipeline.notify.send import send
    from pipeline.recipe import find_recipe
    from pipeline.recipe.notify import Event

    settings = task_settings()
    run = context["dag_run"]
    recipe = find_recipe(recipe_of_dag(run["dag_id"]), settings.recipe_folders)
    hours = recipe.notify.late_after_h if recipe.notify else None
    send(Event.LATE, recipe, run_name(run["dag_id"], run["dag_run_id"]), f"not ended {hours:g} hours after it was queued", settings)


def _end(context: Any, *, succeeded: bool, tell: bool = True) -> None:  # noqa: ANN401 - Airflow's context
    from pipeline.pages.index import try_write_index
    from pipeline.tracking import end_run

    dag_id, settings = context["dag"].dag_id, task_settings()
    run = run_name(dag_id, context["run_id"])
    try:
        end_run(settings, recipe_of_dag(dag_id), run, "FINISHED" if succeeded else "FAILED")
    finally:
        if tell:
            _tell(context["dag"], run, settings, succeeded=succeeded)
    try_write_index(settings)


def _tell(dag: Any, run: str, settings: Settings, *, succeeded: bool) -> None:  # noqa: ANN401 - Airflow's DAG
    from pipeline.notify.send import send
    from pipeline.orchestration.run_end import end_of_run

    recipe = dag.get_task(PLAN_TASK).recipe
    event, detail = end_of_run(recipe, run, dag.task_ids, settings, succeeded=succeeded)
    send(event, recipe, run, detail, settings)
