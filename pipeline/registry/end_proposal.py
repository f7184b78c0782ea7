"""End a proposal: promote its model once enough people approved, or record that it was rejected or has expired.

A proposal waits as long as the newest entry of the ledger names it. Another proposal, another champion, or its own end make it void. So
whatever people approved is exactly what the gate saw, against the champion that is still the champion.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.base import Conflict
from pipeline.errors import BadInput, Outdated
from pipeline.registry.answers import may_answer, read_answers
from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from pipeline.registry.comparison import Comparison
    from pipeline.registry.ledger import Ledger


def end_proposal(ledger: Ledger, number: int, run: str, now: datetime | None = None, forgotten: str | None = None) -> LedgerEntry:
    """Append the end of a proposal: promoted, rejected, expired, or refused because of what its model has learned.

    Args:
        ledger: of the registered model.
        number: of the proposal.
        run: id of the run that ends it.
        now: the time; by default that of this machine.
        forgotten: why the model may not be promoted, if it was made from documents that are to be forgotten.

    Returns:
        The entry, new or appended by an earlier attempt.

    Raises:
        BadInput: the proposal waits no longer, or approvals are missing.
        Outdated: the champion is another one than the one it was compared with.
    """
    now = now or datetime.now(UTC)
    while True:
        head = ledger.head()
        ended = ledger.end_of(number, head)
        if ended:
            return ended
        proposal = waiting_proposal(ledger, number, head)
        assert head is not None  # noqa: S101 - a ledger with a proposal is not empty
        fields = {"decision": Outcome.REFUSED, "reasons": (forgotten,)} if forgotten else _outcome(ledger, proposal, head, now)
        entry = _entry(head, proposal, run, now, fields)
        try:
            return ledger.append(entry)
        except Conflict:
            continue


def waiting_proposal(ledger: Ledger, number: int, head: LedgerEntry | None) -> LedgerEntry:
    """The proposal with this number, which has to wait still.

    Raises:
        BadInput: it does not, and why.
        Outdated: because the champion changed.
    """
    if head is not None and head.waiting == number:
        return ledger.entry(number)
    end = _end_of(ledger, number, head)
    if end is None:
        raise BadInput(f"ledger entry {number} of {ledger.model} is no proposal", "the number of one", "run the recipe first")
    words = {
        Outcome.PROPOSED: "a newer proposal took its place",
        Outcome.REJECTED: f"{end.person} rejected it",
        Outcome.EXPIRED: "it has expired",
        Outcome.REFUSED: f"it was refused: {'; '.join(end.reasons)}",
        Outcome.PROMOTED: "it was promoted" if end.about == number else "another model became champion",
        Outcome.ROLLED_BACK: "the champion was rolled back",
    }
    what = f"proposal {number} of {ledger.model} is void: {words.get(end.decision, end.decision.value)} (ledger entry {end.number})"
    if end.serves and end.about != number:
        raise Outdated(what, "the champion that it was compared with", "run the recipe again")
    raise BadInput(what, "a proposal that waits", "see `trainshed models show`")


def _end_of(ledger: Ledger, number: int, head: LedgerEntry | None) -> LedgerEntry | None:
    """The oldest entry after a proposal that does not name it as waiting; None if there was no such proposal."""
    if head is None or number > head.number or ledger.entry(number).decision is not Outcome.PROPOSED:
        return None
    return [entry for entry in ledger.newest_first(head, number) if entry.waiting != number][-1]


def _outcome(ledger: Ledger, proposal: LedgerEntry, head: LedgerEntry, now: datetime) -> dict[str, Any]:
    """What the answers make of a proposal: the fields of the entry that ends it.

    Raises:
        BadInput: approvals are missing.
    """
    answers, approval = read_answers(ledger, proposal), proposal.approval
    assert approval is not None  # noqa: S101 - only a recipe with approvals makes proposals
    rejected = next((answer for answer in answers if not answer.approve), None)
    if rejected:
        reason = f"{rejected.person} rejected it" + (f": {rejected.reason}" if rejected.reason else "")
        return {"decision": Outcome.REJECTED, "person": rejected.person, "reasons": (reason,)}
    people = tuple(answer.person for answer in answers)
    if len(people) >= approval.people:
        return {
            "decision": Outcome.PROMOTED,
            "reasons": (*proposal.reasons, f"approved by {' and '.join(people)}"),
            "approved_by": people,
            "figures": proposal.figures,
            "rules": proposal.rules,
            "comparison": _comparison(ledger, proposal, head),
        }
    if now >= proposal.time + timedelta(days=approval.expires_days):
        return {"decision": Outcome.EXPIRED, "reasons": (f"{len(people)} of {approval.people} approved in {approval.expires_days:g} days",)}
    raise BadInput(
        f"proposal {proposal.number} of {ledger.model} has {len(people)} of {approval.people} approvals in the ledger",
        f"answers of {approval.people}",
        f"ask {', '.join(may_answer(ledger, proposal)) or 'nobody: correct registration.approval in the recipe'}",
    )


def _comparison(ledger: Ledger, proposal: LedgerEntry, head: LedgerEntry) -> Comparison | None:
    """The comparison of the proposal, with the count of those made since: the next one goes on from there."""
    made = proposal.comparison
    if made is None:
        return None
    since = (entry.comparison for entry in ledger.newest_first(head, proposal.number) if entry.comparison)
    return made.model_copy(update={"tried": max([made.tried, *(each.tried for each in since if each.test_set == made.test_set)])})


def _entry(head: LedgerEntry, proposal: LedgerEntry, run: str, now: datetime, fields: dict[str, Any]) -> LedgerEntry:
    """The entry that ends a proposal."""
    return LedgerEntry(
        number=head.number + 1,
        challenger=proposal.challenger,
        against=proposal.against,
        basis=proposal.basis,
        about=proposal.number,
        time=now,
        run=run,
        **fields,
    )
