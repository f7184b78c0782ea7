"""The task that looks at a champion, and updates the Asset of its drift if a retraining is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pipeline.operators.assets import asset_alias, recipe_asset
from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.runs.names import run_name

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.recipe import Recipe

LOOK_TASK = "look"


class MonitorOperator(BaseOperator):  # type: ignore[misc]
    """Looks at one recipe's champion."""

    ui_color = "#ede9fe"

    def __init__(self, *, recipe: Recipe, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Keep the recipe as the DAG file read it."""
        super().__init__(task_id=LOOK_TASK, outlets=[asset_alias(recipe.name, "drift")], **options)
        self.recipe = recipe

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Look, say what was found, and add an event if the record asks for a retraining.

        Raises:
            AirflowFailException: the corpus is lost, or too small for a profile.
            TryAgain: the store or MLflow is unreachable.
        """
        from pipeline.monitoring.page import next_step, verdict
        from pipeline.monitoring.run import look_at

        name, run = self.recipe.name, run_name(context["dag"].dag_id, context["run_id"])
        with translated_errors(context, run, LOOK_TASK):
            settings = task_settings()
        with translated_errors(context, run, LOOK_TASK, settings):
            look = look_at(self.recipe, settings, run, emit=True, report=self._report(context["ti"]))
        for check in look.checks:
            self.log.info("%-9s %-8s %s", check.name, "CROSSED" if check.crossed else "", check.says)
        self.log.info("%s: %s. %s", look.model, verdict(look), next_step(look))
        if look.event:
            crossed = [check.name for check in look.checks if check.crossed and check.retrain]
            context["outlet_events"][asset_alias(name, "drift")].add(recipe_asset(name, "drift"), extra={"run": run, "crossed": crossed})

    def _report(self, task: Any) -> Reference | None:  # noqa: ANN401 - Airflow's protocol for it is private
        """The report that the steps of this run made or found; None if the recipe has no labelled data, or they failed."""
        from pipeline.errors import BadInput
        from pipeline.lines import trace
        from pipeline.operators.xcom import pull_outputs, pull_plan

        steps = trace(self.recipe, "monitor")
        if not steps:
            return None
        try:
            plan = pull_plan(task).plan
        except BadInput:  # the plan task failed, and its log says why
            return None
        last = steps[-1].id
        return pull_outputs(task, plan, [last])[last]
