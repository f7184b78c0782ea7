"""The interpreter that turns a recipe's line into an Airflow DAG: a plan task, then one task per step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk import DAG, Asset, TriggerRule

from pipeline.launchers.base import launcher_record
from pipeline.line import trace
from pipeline.lookup import load_object
from pipeline.operators.assets import inlets, outlets
from pipeline.operators.exit_codes import RETRIES, RETRY_DELAY
from pipeline.orchestration.callbacks import run_failed, run_succeeded
from pipeline.orchestration.dag_document import document
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.orchestration.trigger_form import form

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

# a cron schedule needs a start date; without catch-up any time in the past is the same
START_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def recipe_dag(recipe: Recipe, settings: Settings, manual: str = "") -> DAG:
    """The DAG of one recipe; both have one name.

    Args:
        recipe: the model to keep fresh.
        settings: decides the launcher.
        manual: the general part of its documentation, in Markdown.

    Raises:
        BadInput: no such launcher.
    """
    steps = trace(recipe)
    params = form(recipe, steps)
    operator = load_object(launcher_record(settings.launcher).operator)
    with DAG(
        recipe.name,
        description=recipe.description or f"Keeps {recipe.registration.model} fresh",
        schedule=_schedule(recipe),
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        params=params,
        tags={"trainshed", recipe.model.family, recipe.finetuning.task},
        doc_md=document(recipe, steps, params, manual),
        on_success_callback=run_succeeded,
        on_failure_callback=run_failed,
        # a DAG without a schedule can be triggered at once; a person switches on what has a schedule
        is_paused_upon_creation=None if recipe.schedule else False,
        default_args={"owner": "trainshed", "retries": RETRIES, "retry_delay": RETRY_DELAY},
    ) as dag:
        plan = PlanOperator(recipe=recipe)
        tasks = {}
        for step in steps:
            tasks[step.id] = operator(
                step=step,
                trigger_rule=TriggerRule.NONE_FAILED,
                outlets=outlets(recipe, step),
                inlets=inlets(recipe, step),
                doc_md=step.component.summary,
            )
            # plan is directly upstream of every step: only then does a cleared run skip its hits again
            tasks[step.id].set_upstream([plan, *(tasks[origin.id] for origin in step.upstream)])
    return dag


def _schedule(recipe: Recipe) -> str | list[Asset] | None:
    if recipe.schedule is None:
        return None
    return [Asset(recipe.schedule.asset)] if recipe.schedule.asset else recipe.schedule.cron
