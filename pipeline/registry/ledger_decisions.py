"""What the promotion ledger says about a run: whether its model was promoted, and why or why not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings

ENTRIES_READ = 20


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

    Other runs may have decided since, so the newest twenty entries are read.
    """
    from pipeline.artifacts import open_store
    from pipeline.registry.ledger import Ledger

    ledger = Ledger(open_store(settings), recipe.registration.model)
    found = (entry for entry in islice(ledger.newest_first(ledger.head()), ENTRIES_READ) if entry.run == run)
    entry = next(found, None)
    return _summary(entry) if entry else None


def _summary(entry: LedgerEntry) -> LedgerDecision:
    from pipeline.registry.ledger_entry import Outcome

    return LedgerDecision(entry.decision is Outcome.PROMOTED, entry.challenger.version, entry.reasons, entry.run)
