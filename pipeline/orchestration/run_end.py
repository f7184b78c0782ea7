"""What to tell people about a run that has ended: read from the ledger and from what the run left in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.errors import TrainshedError
from pipeline.operators.failures import RECORD_RETRY_S
from pipeline.recipe.notify import Event
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.runs.records import read_failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.artifacts.base import Store
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

EVENTS = {
    Outcome.PROMOTED: Event.PROMOTED,
    Outcome.PROPOSED: Event.WAITING,
    Outcome.REFUSED: Event.REFUSED,
    Outcome.REJECTED: Event.REFUSED,
    Outcome.EXPIRED: Event.REFUSED,
}
"""Event by the outcome of the run's entry in the ledger."""


def end_of_run(recipe: Recipe, run: str, tasks: Iterable[str], settings: Settings, *, succeeded: bool) -> tuple[Event, str]:
    """What happened, and why in one line.

    Args:
        recipe: of the run.
        run: its name.
        tasks: ids of its tasks.
        settings: where the store is.
        succeeded: whether the run did.
    """
    try:
        store = open_store(settings.model_copy(update={"s3_retry_s": RECORD_RETRY_S}))
        return _decision(store, recipe, run) if succeeded else (Event.FAILED, _failure(store, run, tasks))
    except TrainshedError as error:
        return Event.FINISHED if succeeded else Event.FAILED, f"the store cannot say more: {error}"


def _decision(store: Store, recipe: Recipe, run: str) -> tuple[Event, str]:
    ledger = Ledger(store, recipe.registration.model)
    entry = ledger.decision_of_run(run, ledger.head())
    if entry is None or entry.decision not in EVENTS:
        return Event.FINISHED, "nothing to decide"
    return EVENTS[entry.decision], f"version {entry.challenger.version}: {'; '.join(entry.reasons)}"


def _failure(store: Store, run: str, tasks: Iterable[str]) -> str:
    """The failure that a task recorded; of several, the first in the order of the line."""
    found = (read_failure(store, run, task) for task in tasks)
    return next((failure.message for failure in found if failure), "")
