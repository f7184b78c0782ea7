"""What the promotion ledger says about a run: whether its model was promoted, and why or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings


class LedgerDecision(NamedTuple):
    """One decision about a model."""

    promoted: bool
    """Whether the decision made this model the champion."""

    version: int
    """The registered version that was decided about."""

    reasons: tuple[str, ...]
    """Why, in plain sentences."""

    run: str
    """The run that decided."""


def decision_of_run(recipe: Recipe, run: str, settings: Settings) -> LedgerDecision | None:
    """The decision of this run; None when it made none.

    Other runs may have decided since, so the newest entries are read, `LOOK_BACK` at most.
    """
    from pipeline.artifacts import open_store
    from pipeline.registry.ledger import LOOK_BACK, Ledger

    ledger = Ledger(open_store(settings), recipe.registration.model)
    head = ledger.head()
    newest = ledger.newest_first(head, head.number - LOOK_BACK if head else 0)
    entry = next((entry for entry in newest if entry.run == run), None)
    return _summary(entry) if entry else None


def _summary(entry: LedgerEntry) -> LedgerDecision:
    from pipeline.registry.ledger_entry import Outcome

    return LedgerDecision(entry.decision is Outcome.PROMOTED, entry.challenger.version, entry.reasons, entry.run)
