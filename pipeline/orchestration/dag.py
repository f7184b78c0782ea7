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

# a clock schedule needs a beginning; without catch-up any moment in the past will do
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def recipe_dag(recipe: Recipe, settings: Settings, manual: str = "") -> DAG:
    """The DAG of one recipe, called like it.

    Args:
        recipe: the model to keep fresh.
        settings: decides the launcher.
        manual: what to say about the DAG in general, in Markdown.

    Raises:
        BadInput: no such launcher.
    """
    steps = trace(recipe)
    params = form(recipe, [step.id for step in steps])
    operator = load_object(launcher_record(settings.launcher).operator)
    with DAG(
        recipe.name,
        description=recipe.description or f"Keeps {recipe.registration.model} fresh",
        schedule=_schedule(recipe),
        start_date=BEGINNING,
        catchup=False,
        max_active_runs=1,
        params=params,
        tags={"trainshed", recipe.model.family, recipe.finetuning.task},
        doc_md=document(recipe, steps, params, manual),
        on_success_callback=run_succeeded,
        on_failure_callback=run_failed,
        # what nothing starts by itself need not be switched on first; what has a schedule waits for a person to do so
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
            # plan stands directly before every step: only then are hits skipped again in a run that was cleared
            tasks[step.id].set_upstream([plan, *(tasks[origin.id] for origin in step.upstream)])
    return dag


def _schedule(recipe: Recipe) -> str | list[Asset] | None:
    if recipe.schedule is None:
        return None
    return [Asset(recipe.schedule.asset)] if recipe.schedule.asset else recipe.schedule.cron
