"""Whether the people who are asked about a proposal are due a reminder: ``reminders/<model>.json`` has the newest one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.artifacts.base import NotFound
from pipeline.artifacts.manifest import Frozen
from pipeline.artifacts.sealed import read_record
from pipeline.registry.answers import may_answer, read_answers
from pipeline.registry.model_status import Waiting

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store
    from pipeline.registry.ledger import Ledger


class Reminded(Frozen):
    """The newest reminder about a model."""

    proposal: int
    """Number of the proposal."""

    time: datetime
    """When, with time zone."""


def due(ledger: Ledger, days: float, now: datetime) -> Waiting | None:
    """The proposal whose people are due a reminder; None if none is.

    Args:
        ledger: of the registered model.
        days: between the proposal and the first reminder, and between reminders.
        now: the time.

    Raises:
        Damaged: an entry or an answer cannot be read, or its seal does not match.
    """
    proposal = ledger.waiting(ledger.head())
    if proposal is None:
        return None
    waiting = Waiting(proposal, read_answers(ledger, proposal), may_answer(ledger, proposal))
    rejected = any(not answer.approve for answer in waiting.answers)
    if rejected or len(waiting.approved) >= waiting.people or (waiting.expires and now >= waiting.expires):
        return None
    last = _read(ledger.store, ledger.model)
    since = last.time if last and last.proposal == proposal.number else proposal.time
    return waiting if now - since >= timedelta(days=days) else None


def note(ledger: Ledger, waiting: Waiting, now: datetime) -> None:
    """Record that people were reminded."""
    record = Reminded(proposal=waiting.proposal.number, time=now)
    ledger.store.put(reminder_key(ledger.model), record.model_dump_json().encode())


def describe(waiting: Waiting, recipe: str, now: datetime) -> str:
    """What people are reminded of, in one line."""
    days = (now - waiting.proposal.time).total_seconds() / 86_400
    missing = waiting.people - len(waiting.approved)
    until = f", until {waiting.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if waiting.expires else ""
    who = " or ".join(waiting.may_answer) or "nobody who may answer"
    return (
        f"version {waiting.proposal.challenger.version} has waited {days:.0f} days for {missing} of {waiting.people} approvals, by {who}{until}; "
        f"answer in Airflow's required actions, or by `trainshed approve {recipe}`"
    )


def reminder_key(model: str) -> str:
    """Key of the record."""
    return f"reminders/{model}.json"


def _read(store: Store, model: str) -> Reminded | None:
    """The record; a damaged one counts as none, because the worst that follows is one more reminder."""
    try:
        return read_record(store, reminder_key(model), Reminded.model_validate_json)
    except (NotFound, ValueError):
        return None
