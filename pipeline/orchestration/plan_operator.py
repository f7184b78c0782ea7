"""The first task of every run: walk the line through the store, and skip every step that has nothing to do, in one pass.

A task costs Airflow about a second, so a cache hit must not be a task. All hits are marked as skipped at once, wherever they are
in the line; the other steps follow their trigger rule ``none_failed``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.skipmixin import SkipMixin

from pipeline.launchers.check_sizes import check_sizes
from pipeline.operators.approval import ApprovalOperator
from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.orchestration.schedules import watch_schedule
from pipeline.orchestration.trigger_form import forced, overrides, partition
from pipeline.orchestration.watch_operator import announced_digests
from pipeline.runs.names import PLAN_TASK, run_name

if TYPE_CHECKING:
    from pipeline.operators.xcom import PlannedRun
    from pipeline.planning.plan import Plan
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


# BaseOperator has to come first: with the mixin first, its plain `__init__` hides the operator's
class PlanOperator(BaseOperator, SkipMixin):  # type: ignore[misc]
    """Plans one run of a line."""

    ui_color = "#dbeafe"
    inherits_from_skipmixin = True

    def __init__(self, *, recipe: Recipe, line: str, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Keep the recipe as the DAG file read it."""
        super().__init__(task_id=PLAN_TASK, **options)
        self.recipe = recipe
        self.line = line

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Plan, pass the plan to the steps, skip the idle ones.

        Raises:
            AirflowFailException: the form or the source is wrong.
            TryAgain: the store, MLflow or the source is unreachable.
        """
        run = run_name(context["dag"].dag_id, context["run_id"])
        with translated_errors(context, run, PLAN_TASK):
            settings = task_settings()
        # with the keys of a connection, if any, the reason of a failure goes to the store too
        with translated_errors(context, run, PLAN_TASK, settings):
            planned = self.planned(run, settings, context)
        self._show(planned.plan)
        # skip() ends the task and drops its return value, so the plan is pushed first
        planned.push(context["ti"])
        self.skip(context["ti"], self.idle(planned.plan))

    def idle(self, plan: Plan) -> list[Any]:
        """The tasks that have nothing to do."""
        steps = [self.dag.get_task(step_id) for step_id in plan.idle]
        # nobody is asked about nothing
        asking = [task for task in self.dag.tasks if isinstance(task, ApprovalOperator)] if plan.nothing_to_do else []
        return steps + asking

    def planned(self, run: str, settings: Settings, context: Any) -> PlannedRun:  # noqa: ANN401 - Airflow's context
        """Plan the run with the values of the form."""
        from pipeline.operators.xcom import PlannedRun
        from pipeline.planning import plan_run
        from pipeline.recipe.overrides import override
        from pipeline.recipe.partitions import at_partition

        self._begin(context, run, settings)
        recipe = override(self.recipe, overrides(context["params"]), "the trigger form")
        recipe = at_partition(recipe, partition(context["params"]), context["dag_run"].run_after)
        check_sizes(recipe, settings)
        force, person = forced(context["params"]), context["dag_run"].triggering_user_name
        plan = plan_run(recipe, run, settings, force, line=self.line, started_by=person)
        return PlannedRun(recipe=recipe, force=force, plan=plan)

    def _begin(self, context: Any, run: str, settings: Settings) -> None:  # noqa: ANN401 - Airflow's context
        """Record that this run began, if new data started it: the watch of the source then stops announcing it."""
        from pipeline.artifacts import open_store
        from pipeline.runs.source_watch import begin

        if watch_schedule(self.recipe):
            digests = announced_digests(context["triggering_asset_events"], self.recipe.name)
            begin(open_store(settings), self.recipe.name, digests, run)

    def _show(self, plan: Plan) -> None:
        for step in plan.steps:
            self.log.info("%-20s %-8s %s", step.id, step.status.label, step.reason)
        for warning in plan.warnings:
            self.log.warning(warning)
