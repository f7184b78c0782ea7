"""The DAG that looks at one recipe's champion, as often as ``monitor.every`` says.

Without labelled data it is a single task. With it, the steps of the line ``monitor`` score the champion first. The look then happens whatever
became of them: drift and ages do not wait for a labelled source that is gone. A last, empty task makes the run fail if one of them failed,
because Airflow judges a run by its last tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TriggerRule

from pipeline.lines import trace
from pipeline.orchestration.callbacks import look_succeeded, run_failed
from pipeline.orchestration.dag import RecipeDags, add_steps, build
from pipeline.orchestration.monitor_operator import MonitorOperator
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.side_dag import side_dag
from pipeline.runs.names import recipe_of_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

MONITOR = "monitor"
"""Last part of the DAG's id, and the name of its line."""

END_TASK = "end"


def monitor_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.monitor`` of every valid recipe with a monitor.

    Args:
        settings: names the recipe folders, and decides the launcher.
        manual: documentation for Airflow's pages, in Markdown.
        only: id of the one DAG to build.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    return build([recipe for recipe in found.valid if recipe.monitor], lambda recipe: monitor_dag(recipe, settings, manual), found.errors)


def monitor_dag(recipe: Recipe, settings: Settings, manual: str = "") -> DAG:
    """The DAG that looks at one recipe's champion.

    Args:
        recipe: has a section ``monitor``.
        settings: decides the launcher of the steps that score.
        manual: documentation for Airflow's pages, in Markdown.

    Raises:
        BadInput: no such launcher.
    """
    assert recipe.monitor is not None  # noqa: S101 - the caller looked
    steps = trace(recipe, MONITOR)
    what = f"Looks whether {recipe.registration.model} still fits what it is asked"
    with side_dag(recipe, MONITOR, what, f"@{recipe.monitor.every}", manual) as dag:
        if not steps:
            MonitorOperator(recipe=recipe)
            return dag
        scoring = add_steps(recipe, steps, settings, PlanOperator(recipe=recipe, line=MONITOR))
        look = MonitorOperator(recipe=recipe, trigger_rule=TriggerRule.ALL_DONE)
        look.set_upstream(scoring)
        EmptyOperator(task_id=END_TASK, trigger_rule=TriggerRule.NONE_FAILED).set_upstream([*scoring, look])
    # they end the MLflow run of the steps
    dag.on_success_callback, dag.on_failure_callback = look_succeeded, run_failed
    return dag
