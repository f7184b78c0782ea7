"""The interpreter that turns a line of a recipe into an Airflow DAG: a plan task, then one task per step and per person who is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import DAG, TriggerRule
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from pipeline.errors import BadInput
from pipeline.launchers.base import launcher_record
from pipeline.lines import trace
from pipeline.lookup import load_object
from pipeline.operators.approval import ApprovalOperator
from pipeline.operators.assets import inlets, outlets
from pipeline.operators.exit_codes import AIRFLOW_RETRIES, RETRY_DELAY
from pipeline.orchestration.callbacks import run_failed, run_late, run_succeeded
from pipeline.orchestration.dag_document import document
from pipeline.orchestration.plan_operator import PlanOperator
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.schedules import line_schedule
from pipeline.orchestration.trigger_form import form
from pipeline.runs.names import TRAINING_POOL, dag_name, recipe_of_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.recipe.gate import Approval
    from pipeline.settings import Settings

# a cron schedule needs a start date; without catch-up any time in the past is the same
START_DATE = datetime(2026, 1, 1, tzinfo=UTC)

RUN_TYPES = ("manual", "scheduled", "operator_triggered", "asset_triggered", "asset_materialization")
"""All but Airflow's own back-fill: it starts up to ten runs of a DAG at once, beside the others. `trainshed backfill` queues them."""

ASK_AGAIN = 5
"""How often a person is asked again: Airflow may lose an answer that comes while the task that asked is still ending."""

DAG_LINES = ("train", "promote")
"""Lines that are DAGs; each has a file in `dags/`."""


class RecipeDags(NamedTuple):
    """The DAGs of all recipes."""

    dags: dict[str, DAG]
    """DAG by id."""

    errors: tuple[str, ...]
    """One line for each recipe that is invalid or whose DAG cannot be built."""


def recipe_dags(settings: Settings, manual: str = "", only: str | None = None, line: str = "train") -> RecipeDags:
    """Build the DAG of one line for every valid recipe that has it; one that fails leaves the others alone.

    Args:
        settings: names the recipes, and decides the launcher.
        manual: the general part of their documentation, in Markdown.
        only: id of the one DAG to build.
        line: one of `pipeline.lines.LINES`.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    recipes = [recipe for recipe in found.valid if has_line(recipe, line)]
    return build(recipes, lambda recipe: line_dag(recipe, settings, manual, line), found.errors)


def build(recipes: Iterable[Recipe], make: Callable[[Recipe], DAG], errors: Iterable[str]) -> RecipeDags:
    """Make a DAG of each recipe; one that fails leaves the others alone.

    Args:
        recipes: valid recipes.
        make: makes the DAG of one.
        errors: lines about recipes that are not valid.
    """
    dags, lines = {}, list(errors)
    for recipe in recipes:
        try:
            dag = make(recipe)
            dag.validate()
        except Exception as error:  # noqa: BLE001 - Airflow drops every DAG of a file that raises, whatever it raises
            kind = "" if isinstance(error, BadInput) else f"{type(error).__name__}: "
            lines.append(f"recipe {recipe.name}: {kind}{error}")
        else:
            dags[dag.dag_id] = dag
    return RecipeDags(dags, tuple(lines))


def has_line(recipe: Recipe, line: str) -> bool:
    """Whether a recipe has a DAG of this line: nobody is asked where the recipe asks for no approvals."""
    return line != "promote" or recipe.registration.approval is not None


def line_dag(recipe: Recipe, settings: Settings, manual: str = "", line: str = "train") -> DAG:
    """The DAG of one line of a recipe; that of the line ``train`` has the recipe's name.

    Args:
        recipe: the model to keep fresh.
        settings: decides the launcher.
        manual: the general part of its documentation, in Markdown.
        line: one of `pipeline.lines.LINES`.

    Raises:
        BadInput: no such launcher.
    """
    steps = trace(recipe, line)
    params = form(recipe, steps)
    with DAG(
        dag_name(recipe.name, line),
        description=recipe.description or f"Keeps {recipe.registration.model} fresh",
        schedule=line_schedule(recipe, line),
        start_date=START_DATE,
        catchup=False,
        # a proposal that waits for people must not block a newer one, which takes its place
        max_active_runs=16 if line == "promote" else 1,
        allowed_run_types=RUN_TYPES,
        tags={"trainshed", recipe.model.family or "pretrained", recipe.task.kind},
        doc_md=document(recipe, steps, params, manual),
        on_success_callback=run_succeeded,
        on_failure_callback=run_failed,
        deadline=_deadline(recipe, line),
        # a DAG without a cron schedule can start at once; a person switches on what has one
        is_paused_upon_creation=None if line == "train" and recipe.schedule else False,
        # only the DAGs that the file names count: one that fails `validate` must not reach Airflow
        auto_register=False,
        default_args={"owner": "trainshed", "retries": AIRFLOW_RETRIES, "retry_delay": RETRY_DELAY},
    ) as dag:
        add_steps(recipe, steps, settings, PlanOperator(recipe=recipe, line=line))
    # after the tasks: each would get a copy of the form, a third of the time to parse the file and most of what Airflow stores
    dag.params = params
    return dag


def add_steps(recipe: Recipe, steps: Iterable[Step], settings: Settings, plan: PlanOperator) -> list[Any]:
    """Add a task for each step, and for each person who is asked, to the DAG of the context.

    Args:
        recipe: the recipe.
        steps: those of the line.
        settings: decides the launcher.
        plan: the plan task of the DAG.

    Returns:
        The plan task, and the tasks of the steps.

    Raises:
        BadInput: no such launcher.
    """
    operator = load_object(launcher_record(settings.launcher).operator)
    tasks: dict[str, Any] = {}
    for step in steps:
        tasks[step.id] = operator(
            step=step,
            # the step itself looks at what people answered: it also ends a proposal that they rejected
            trigger_rule=TriggerRule.ALL_DONE if step.people else TriggerRule.NONE_FAILED,
            outlets=outlets(recipe, step),
            inlets=inlets(recipe, step),
            # None is Airflow's default pool
            pool=TRAINING_POOL if step.component.trains and settings.training_slots else None,
            doc_md=step.component.summary,
        )
        # plan is directly upstream of every step: only then does a cleared run skip its hits again
        tasks[step.id].set_upstream([plan, *(tasks[origin.id] for origin in step.upstream)])
        if step.people and step.registers:
            _ask(plan, tasks[step.id], step.registers, step.people)
    return [plan, *tasks.values()]


def _ask(plan: PlanOperator, step: Any, model: str, approval: Approval) -> None:  # noqa: ANN401 - the launcher's operator
    """Put one task for each person before a step, one after another: each excludes the persons who answered before."""
    before = plan
    for number in range(1, approval.people + 1):
        asked = ApprovalOperator(task_id=f"approval_{number}", model=model, number=number, retries=ASK_AGAIN)
        asked.set_upstream([plan, before] if before is not plan else [plan])
        before = asked
    step.set_upstream(before)


def _deadline(recipe: Recipe, line: str) -> DeadlineAlert | None:
    """When a run is late; people have their own time to answer."""
    hours = recipe.notify.late_after_h if recipe.notify else None
    if hours is None or line == "promote":
        return None
    # in the executor: the laptop has no triggerer
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(hours=hours), SyncCallback(run_late))
