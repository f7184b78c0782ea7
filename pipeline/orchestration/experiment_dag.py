"""The DAG of a recipe's experiment: shared steps once, then round after round of trials, each a mapped task.

One task stands between two rounds. It tells what came of the trials and asks for the next ones, so a trial costs Airflow its own task and
its share of that one. Trials that need the same artifact get one task. `pipeline.experiments.shape` says which tasks there are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule

from pipeline.experiments.shape import CLOSE_TASK, need_task, study_shape, trial_task
from pipeline.experiments.space import experiment_of
from pipeline.launchers.base import launcher_record
from pipeline.lookup import load_object
from pipeline.operators.exit_codes import AIRFLOW_RETRIES, RETRY_DELAY
from pipeline.orchestration.callbacks import run_failed, run_succeeded
from pipeline.orchestration.dag import START_DATE, RecipeDags, add_steps, build
from pipeline.orchestration.dag_document import document
from pipeline.orchestration.experiment_operators import REGISTER, AskOperator, BeginStudyOperator, CloseStudyOperator, NeedOperator
from pipeline.orchestration.recipes import read_recipes
from pipeline.runs.names import EXPERIMENT, PLAN_TASK, TRAINING_POOL, dag_name, recipe_of_dag

DEFAULT_POOL = "default_pool"
"""Airflow's own; a mapped operator takes no None for it."""

if TYPE_CHECKING:
    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def experiment_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.experiment`` of every valid recipe that has an experiment.

    Args:
        settings: names the recipe folders, and decides the launcher.
        manual: documentation for Airflow's pages, in Markdown.
        only: id of the one DAG to build.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    searching = [recipe for recipe in found.valid if recipe.experiment]
    return build(searching, lambda recipe: experiment_dag(recipe, settings, manual), found.errors)


def experiment_dag(recipe: Recipe, settings: Settings, manual: str = "") -> DAG:
    """The DAG of one recipe's experiment.

    Raises:
        BadInput: no such launcher.
    """
    shape = study_shape(recipe)
    params = {REGISTER: Param(False, type="boolean", title=REGISTER, description="Test and register the best trial at the end.")}
    with DAG(
        dag_name(recipe.name, EXPERIMENT),
        description=f"Tries other values of {recipe.name}",
        schedule=None,
        start_date=START_DATE,
        max_active_runs=1,
        params=params,
        tags={"trainshed", EXPERIMENT, recipe.task.kind},
        doc_md=document(recipe, (*shape.shared, *shape.own), params, manual),
        on_success_callback=run_succeeded,
        on_failure_callback=run_failed,
        is_paused_upon_creation=False,
        auto_register=False,
        default_args={"owner": "trainshed", "retries": AIRFLOW_RETRIES, "retry_delay": RETRY_DELAY},
    ) as dag:
        before, after = add_steps(recipe, shape.shared, settings, BeginStudyOperator(recipe=recipe)), PLAN_TASK
        rule = TriggerRule.NONE_FAILED
        for number in range(1, shape.rounds + 1):
            ask = AskOperator(number=number, step_id=shape.own[0].id, after=after, trigger_rule=rule)
            ask.set_upstream(before)
            before = [_trials(recipe, shape.own, settings, ask)]
            # trials may fail
            after, rule = ask.task_id, TriggerRule.ALL_DONE
        CloseStudyOperator(task_id=CLOSE_TASK, after=after, trigger_rule=rule).set_upstream(before)
    return dag


def _trials(recipe: Recipe, steps: tuple[Step, ...], settings: Settings, ask: AskOperator) -> Any:  # noqa: ANN401 - a mapped operator
    """The mapped tasks of one round, step after step; the last of them."""
    operator = load_object(launcher_record(settings.launcher).operator)
    need: Any = ask
    last: Any = None
    for step in steps:
        if last is not None:
            need = NeedOperator(
                task_id=need_task(step.id, ask.number), step_id=step.id, after=ask.task_id, trigger_rule=TriggerRule.ALL_DONE
            )
            need.set_upstream(last)
        last = operator.partial(
            task_id=trial_task(step.id, ask.number),
            # other DAGs start from a model that the recipe made, not from one that it tried
            step=replace(step, emits=()),
            max_active_tis_per_dagrun=experiment_of(recipe).at_once,
            doc_md=step.component.summary,
            pool=TRAINING_POOL if step.component.trains and settings.training_slots else DEFAULT_POOL,
        ).expand(ask=need.output)
    return last
