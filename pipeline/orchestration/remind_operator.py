"""The task that notifies people again of a proposal that waits for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.runs.names import run_name

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

REMIND_TASK = "remind"


class RemindOperator(BaseOperator):  # type: ignore[misc]
    """Reminds the people of one recipe, if a reminder is due."""

    ui_color = "#fef9c3"

    def __init__(self, *, recipe: Recipe, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Keep the recipe as the DAG file read it."""
        super().__init__(task_id=REMIND_TASK, **options)
        self.recipe = recipe

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's context
        """Look into the ledger, and notify.

        Raises:
            AirflowFailException: an entry of the ledger is damaged.
            TryAgain: the store is unreachable.
        """
        from pipeline.artifacts import open_store
        from pipeline.notify.send import send
        from pipeline.recipe.notify import Event
        from pipeline.registry.ledger import Ledger
        from pipeline.registry.reminder import describe, due, note

        recipe, now = self.recipe, datetime.now(UTC)
        days = recipe.notify.remind_days if recipe.notify else None
        assert days is not None  # noqa: S101 - only such a recipe has this DAG
        run = run_name(context["dag"].dag_id, context["run_id"])
        with translated_errors(context, run, REMIND_TASK):
            settings = task_settings()
        with translated_errors(context, run, REMIND_TASK, settings):
            ledger = Ledger(open_store(settings), recipe.registration.model)
            waiting = due(ledger, days, now)
            if waiting is None:
                self.log.info("nobody is due a reminder")
                return
            detail = describe(waiting, recipe.name, now)
            self.log.info(detail)
            send(Event.WAITING, recipe, waiting.proposal.run, detail, settings)
            note(ledger, waiting, now)
