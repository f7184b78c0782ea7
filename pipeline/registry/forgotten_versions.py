"""Registered versions that were made from documents that are to be forgotten.

The ledgers name them, so MLflow need not answer: a version has the number that it had when it was decided about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.erasure.holders import Holders
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.registry.ledger_entry import LedgerEntry

CHAMPION, WAITING = "champion, serves", "waits for approvals"


@dataclass(frozen=True)
class HeldVersion:
    """One version that holds such documents."""

    model: str
    """The registered name."""

    entry: LedgerEntry
    """The newest decision about it."""

    role: str
    """What it is now, in a few words."""

    forgotten: frozenset[int]
    """Numbers of the entries whose documents it holds."""

    @property
    def serves(self) -> bool:
        """Whether it is the champion."""
        return self.role == CHAMPION


def held_versions(holders: Holders, ledger: Ledger) -> Iterator[HeldVersion]:
    """The versions of one registered model that hold such documents, the newest decision first; each model once.

    Args:
        holders: finds out what artifacts hold.
        ledger: of the registered model.
    """
    head = ledger.head()
    champion, seen = ledger.champion(head), set()
    for entry in ledger.newest_first(head):
        if entry.digest in seen:
            continue
        seen.add(entry.digest)
        held = frozenset().union(*(holders.entries_of(model) for model in entry.challenger.models))
        if held:
            yield HeldVersion(ledger.model, entry, _role(entry, head, champion), held)


def released_entries(artifacts: Artifacts) -> frozenset[str]:
    """Keys of the ledger entries on which nothing relies any more: their models hold such documents, and neither serve nor wait."""
    holders = Holders(artifacts)
    if not holders.entries:
        return frozenset()
    released = set()
    for name in Ledger.models(artifacts.store):
        ledger = Ledger(artifacts.store, name)
        head = ledger.head()
        champion = ledger.champion(head)
        for entry in ledger.newest_first(head):
            relied_on = (champion and entry.digest == champion.digest) or (head and entry.number == head.waiting)
            if not relied_on and any(holders.entries_of(model) for model in entry.challenger.models):
                released.add(ledger.key(entry.number))
    return frozenset(released)


def _role(entry: LedgerEntry, head: LedgerEntry | None, champion: LedgerEntry | None) -> str:
    if champion and entry.digest == champion.digest:
        return CHAMPION
    if head and head.waiting == entry.number:
        return WAITING
    return "former champion" if entry.serves or entry.decision is Outcome.ROLLED_BACK else f"challenger, {entry.decision.value}"
