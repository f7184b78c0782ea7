"""What a person wants to know about one registered model: its champion, the newest decisions, and who is asked about what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.registry.answers import may_answer, read_answers
from pipeline.registry.quality import Quality, champion_quality

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.registry.answers import Answer
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry


@dataclass(frozen=True)
class Waiting:
    """A proposal that waits for people."""

    proposal: LedgerEntry

    answers: tuple[Answer, ...]
    """Who has answered what, oldest first."""

    may_answer: tuple[str, ...]
    """Whose answer would count now."""

    @property
    def people(self) -> int:
        """How many persons have to approve."""
        return self.proposal.approval.people if self.proposal.approval else 0

    @property
    def approved(self) -> tuple[str, ...]:
        """Who has approved."""
        return tuple(answer.person for answer in self.answers if answer.approve)

    @property
    def expires(self) -> datetime | None:
        """When it ends without enough answers; None if it waits for nobody."""
        return self.proposal.time + timedelta(days=self.proposal.approval.expires_days) if self.proposal.approval else None


@dataclass(frozen=True)
class ModelStatus:
    """One registered model."""

    model: str
    """The registered name."""

    recent: tuple[LedgerEntry, ...]
    """The newest entries of its ledger, newest first."""

    champion: LedgerEntry | None
    """The entry that made the champion; None while there is no champion."""

    quality: Quality | None
    """The champion's score when it was promoted, if it was measured."""

    waiting: Waiting | None
    """The proposal that waits, if one does."""


def read_status(ledger: Ledger, last: int) -> ModelStatus:
    """Read the state of a model.

    Args:
        ledger: of the registered model.
        last: how many of the newest entries are read, at least 1.

    Raises:
        BadInput: the ledger is empty.
        Damaged: an entry or an answer cannot be read, or its seal does not match.
    """
    head = ledger.newest()
    recent = tuple(ledger.newest_first(head, max(0, head.number - last)))
    by_number = {entry.number: entry for entry in recent}
    champion = by_number.get(head.champion_number or 0) or ledger.champion(head)
    quality = champion_quality(ledger, champion) if champion else None
    proposal = ledger.waiting(head)
    waiting = Waiting(proposal, read_answers(ledger, proposal), may_answer(ledger, proposal)) if proposal else None
    return ModelStatus(ledger.model, recent, champion, quality, waiting)


def decided_by(entry: LedgerEntry) -> str:
    """Who or what decided, in a few words: persons if any, else the run."""
    if entry.approved_by:
        return " and ".join(entry.approved_by)
    if entry.person:
        return entry.person
    return entry.run.removeprefix("by ") + (f", started by {', '.join(entry.started_by)}" if entry.started_by else "")
