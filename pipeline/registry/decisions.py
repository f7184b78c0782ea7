"""What the promotion ledger says about a run: was its model promoted, and why, or why not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.registry.entry import Entry
    from pipeline.settings import Settings

LOOK_BACK = 20


class LedgerDecision(NamedTuple):
    """One decision about a model."""

    promoted: bool
    """Whether the model is the champion since."""

    version: int
    """The version in the registry that was decided upon."""

    reasons: tuple[str, ...]
    """Why, in plain sentences."""

    run: str
    """The run that decided."""


def decided_in(recipe: Recipe, run: str, settings: Settings) -> LedgerDecision | None:
    """The decision of this run; None when it made none.

    Other runs may have decided since, so the newest twenty entries are looked at.
    """
    from pipeline.artifacts import open_store
    from pipeline.registry.ledger import Ledger

    ledger = Ledger(open_store(settings), recipe.registration.model)
    found = (entry for entry in islice(ledger.back(ledger.head()), LOOK_BACK) if entry.run == run)
    entry = next(found, None)
    return _read(entry) if entry else None


def newest_decision(recipe: Recipe, settings: Settings) -> LedgerDecision | None:
    """The newest decision about the recipe's registered model; None before the first."""
    from pipeline.artifacts import open_store
    from pipeline.registry.ledger import Ledger

    head = Ledger(open_store(settings), recipe.registration.model).head()
    return _read(head) if head else None


def _read(entry: Entry) -> LedgerDecision:
    from pipeline.registry.entry import Outcome

    return LedgerDecision(entry.decision is Outcome.PROMOTED, entry.challenger.version, entry.reasons, entry.run)
