"""The interpreter that turns a recipe's line into an Airflow DAG: a plan task, then one task per step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from airflow.sdk import DAG, TriggerRule

from pipeline.errors import BadInput
from pipeline.launchers.base import launcher_record
from pipeline.lines import trace
from pipeline.lookup import load_object
from pipeline.operators.assets import asset_at, inlets, outlets
from pipeline.operators.exit_codes import AIRFLOW_RETRIES, RETRY_DELAY
from pipeline.orchestration.callbacks import run_failed, run_succeeded
from pipeline.orchestration.dag_document import document
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.trigger_form import form

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

# a cron schedule needs a start date; without catch-up any time in the past is the same
START_DATE = datetime(2026, 1, 1, tzinfo=UTC)


class RecipeDags(NamedTuple):
    """The DAGs of all recipes."""

    dags: dict[str, DAG]
    """DAG by name of its recipe."""

    errors: tuple[str, ...]
    """One line for each recipe that is invalid or whose DAG cannot be built."""


def recipe_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG of every valid recipe; one that fails leaves the others alone.

    Args:
        settings: names the recipe folders and the launcher.
        manual: see `recipe_dag`.
        only: name of the one recipe to read.
    """
    found = read_recipes(settings, only)
    dags, errors = {}, list(found.errors)
    for recipe in found.valid:
        try:
            dag = recipe_dag(recipe, settings, manual)
            dag.validate()
        except Exception as error:  # noqa: BLE001 - Airflow drops every DAG of a file that raises, whatever it raises
            kind = "" if isinstance(error, BadInput) else f"{type(error).__name__}: "
            errors.append(f"recipe {recipe.name}: {kind}{error}")
        else:
            dags[recipe.name] = dag
    return RecipeDags(dags, tuple(errors))


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
        tags={"trainshed", recipe.model.family or "pretrained", recipe.task.kind},
        doc_md=document(recipe, steps, params, manual),
        on_success_callback=run_succeeded,
        on_failure_callback=run_failed,
        # a DAG without a schedule can be triggered at once; a person switches on what has a schedule
        is_paused_upon_creation=None if recipe.schedule else False,
        # only the DAGs that the file names count: one that fails `validate` must not reach Airflow
        auto_register=False,
        default_args={"owner": "trainshed", "retries": AIRFLOW_RETRIES, "retry_delay": RETRY_DELAY},
    ) as dag:
        plan = PlanOperator(recipe=recipe, line="train")
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
    return [asset_at(recipe.schedule.asset)] if recipe.schedule.asset else recipe.schedule.cron
