"""What people answered to proposals: one object for each person and proposal, ``approvals/<model>/<proposal>/<person>.json``.

Answers are part of the ledger, with keys of their own: whoever writes them cannot write promotions. In Airflow that is the approval task, with
the person whom Airflow authenticated. Promotions are written by the promotion step, which reads these objects and never the state
of a task: a user can mark an approval task as successful, or write its answer. A person answers once, because the key exists then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict
from pipeline.artifacts.manifest import Frozen, to_sealed
from pipeline.artifacts.sealed import read_sealed
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry

ROOT = "approvals"

APPROVE, REJECT, REASON = "Approve", "Reject", "reason"
"""The options of the question in Airflow, and the field for a person's reason."""


class Answer(Frozen):
    """One person's answer to one proposal."""

    model: str
    """The registered model."""

    proposal: int
    """Number of the ledger entry."""

    evidence: str
    """`LedgerEntry.basis` of the proposal: the digest of everything that the gate read."""

    person: str
    """As Airflow authenticated them."""

    approve: bool
    """Whether they approved; False: they rejected."""

    reason: str = ""
    """What they wrote."""

    time: datetime
    """When, with time zone."""

    run: str
    """Id of the run that asked."""


def question_about(model: str, proposal: int) -> str:
    """The end of the question about a proposal; nobody asks about two proposals with the same words."""
    return f" of {model}? (proposal {proposal})"


def read_answers(ledger: Ledger, proposal: LedgerEntry) -> tuple[Answer, ...]:
    """The answers to a proposal that count, oldest first: of the persons whom it names, about the same evidence.

    Raises:
        Damaged: one cannot be read, or its seal does not match.
    """
    keys = {_key(ledger, proposal, person): person for person in _named(proposal)}
    present = [each.key for each in ledger.store.list(f"{_folder(ledger, proposal)}/") if each.key in keys]
    found = [(keys[key], Answer.model_validate(read_sealed(ledger.store, key))) for key in present]
    # the key makes persons distinct: a copy of an answer under another name counts for nobody
    counting = [answer for person, answer in found if answer.person == person and answer.evidence == proposal.basis]
    return tuple(sorted(counting, key=lambda answer: answer.time))


def may_answer(ledger: Ledger, proposal: LedgerEntry) -> tuple[str, ...]:
    """The persons whose answer would count now: those whom the recipe names, who did not start the run and have not answered yet."""
    answered = {answer.person for answer in read_answers(ledger, proposal)}
    return tuple(person for person in _named(proposal) if person not in answered)


def record_answer(ledger: Ledger, proposal: LedgerEntry, person: str, run: str, *, approve: bool, reason: str = "") -> Answer:
    """Write a person's answer.

    Args:
        ledger: of the registered model.
        proposal: what the person was shown.
        person: as Airflow authenticated them.
        run: id of the run that asked.
        approve: False rejects.
        reason: what the person wrote.

    Raises:
        BadInput: this person's answer does not count, or they have given another one.
    """
    if person not in _named(proposal):
        raise BadInput(f"{person} cannot answer proposal {proposal.number} of {ledger.model}", *_expected(proposal, person))
    answer = Answer(
        model=ledger.model,
        proposal=proposal.number,
        evidence=proposal.basis,
        person=person,
        approve=approve,
        reason=reason,
        time=datetime.now(UTC),
        run=run,
    )
    key = _key(ledger, proposal, person)
    try:
        ledger.store.put(key, to_sealed(answer.model_dump(mode="json")), if_absent=True)
    except Conflict:
        earlier = Answer.model_validate(read_sealed(ledger.store, key))
        if (earlier.approve, earlier.run) != (approve, run):
            word = "approved" if earlier.approve else "rejected"
            raise BadInput(f"{person} {word} proposal {proposal.number} of {ledger.model} already", "one answer of each person") from None
        return earlier
    return answer


def _named(proposal: LedgerEntry) -> tuple[str, ...]:
    """The persons whom the recipe names, without those who started a run of the model."""
    return tuple(person for person in proposal.approval.approvers if person not in proposal.started_by) if proposal.approval else ()


def _expected(proposal: LedgerEntry, person: str) -> tuple[str, str]:
    if person in proposal.started_by:
        return "somebody else: who starts a run does not approve its model", ""
    return f"one of {', '.join(_named(proposal)) or 'nobody'}", "add the user to registration.approval.from in the recipe"


def _key(ledger: Ledger, proposal: LedgerEntry, person: str) -> str:
    return f"{_folder(ledger, proposal)}/{person}.json"


def _folder(ledger: Ledger, proposal: LedgerEntry) -> str:
    return f"{ROOT}/{ledger.model}/{proposal.number:06d}"
