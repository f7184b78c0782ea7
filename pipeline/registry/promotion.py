"""Decide about a challenger and append the decision to the ledger, safely while other runs do the same.

The ledger entry is written first, then the alias. After a crash between the two, the retry finds the entry by its *basis* and only
sets the alias. The basis is a digest of everything that a decision rests on, the code that decides included: the same question is
asked once, and a corrected gate decides again. A run whose entry number was taken decides again on the new state.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.artifacts.base import Conflict
from pipeline.artifacts.manifest import Reference, canonical_json
from pipeline.errors import Outdated
from pipeline.registry.comparison import Comparison, next_comparison
from pipeline.registry.findings import GateDecision
from pipeline.registry.gate import compared_scores, decide
from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.gate import Approval, Gate
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import Candidate
    from pipeline.registry.scores import Scores


class ScoredChampion(NamedTuple):
    """The champion that a run was planned against."""

    model: Reference
    """Its model artifact."""

    reports: tuple[Reference, ...]
    """Its reports on the challenger's examples, one for each of its training seeds."""

    scores: Scores
    """The scores of these reports."""


@dataclass(frozen=True)
class Proposal:
    """What a run asks the gate to decide."""

    gate: Gate
    """The recipe's rules."""

    challenger: Candidate
    """The model to decide about."""

    scores: Scores
    """Its scores."""

    planned_against: ScoredChampion | None
    """The champion this run was planned against; None for no champion."""

    fingerprint: str
    """Fingerprint of the registration: it covers rules, model, report, and the code and libraries that decide."""

    run: str
    """Id of the run."""

    approval: Approval | None = None
    """Who has to approve a challenger that passes the gate; None: it becomes champion at once."""

    started_by: str | None = None
    """The person who started the run; None if nobody did."""

    champion_forgotten: bool = False
    """Whether the champion was made from documents that are to be forgotten."""

    forgotten: str | None = None
    """Why the model may not be promoted, if it was made from documents that are to be forgotten (`pipeline.erasure`)."""

    @property
    def rivalless(self) -> bool:
        """Whether the champion does not count as a rival."""
        return bool(self.champion_forgotten and self.gate.replace_forgotten)


def decide_promotion(ledger: Ledger, proposal: Proposal) -> LedgerEntry:
    """Promote, propose or refuse the challenger, and return the ledger entry of that decision, new or found.

    A newer proposal takes the place of one that still waits.

    Args:
        ledger: the ledger of the registered model.
        proposal: what to decide.

    Raises:
        Outdated: the champion is another one than the run was planned against.
        BadInput: see `decide`.
    """
    planned, model = proposal.planned_against, proposal.challenger.model
    while True:
        head = ledger.head()
        champion = ledger.champion(head)
        if champion and champion.digest == model.digest:
            return champion
        if (champion.digest if champion else None) != (planned.model.digest if planned else None):
            raise Outdated("the champion changed during this run", "the champion it was planned against", "run the recipe again")
        reports = reports_digest(planned.reports if planned else ())
        basis = basis_of(proposal.fingerprint, reports, champion, proposal.forgotten)
        known = ledger.find_decision(basis, head, champion)
        if known:
            return known
        comparison, decision = _decide(ledger, proposal, head, champion)
        entry = LedgerEntry(
            number=head.number + 1 if head else 1,
            challenger=proposal.challenger,
            **_outcome(ledger, proposal, decision, head),
            against=champion.number if champion else None,
            basis=basis,
            reasons=decision.reasons,
            figures=decision.figures,
            rules=decision.rules,
            comparison=comparison,
            time=datetime.now(UTC),
            run=proposal.run,
        )
        try:
            return ledger.append(entry)
        except Conflict:
            continue


def _outcome(ledger: Ledger, proposal: Proposal, decision: GateDecision, head: LedgerEntry | None) -> dict[str, Any]:
    """The fields of the entry that say what happens to the challenger, and which proposal waits from now on."""
    if not decision.promote:
        return {"decision": Outcome.REFUSED, "waiting": head.waiting if head else None}
    if proposal.approval is None:
        return {"decision": Outcome.PROMOTED}
    return {
        "decision": Outcome.PROPOSED,
        "waiting": head.number + 1 if head else 1,
        "approval": proposal.approval,
        "started_by": _starters(ledger, proposal, head),
    }


def _starters(ledger: Ledger, proposal: Proposal, head: LedgerEntry | None) -> tuple[str, ...]:
    """Who started this run and earlier ones that proposed the model: Airflow starts the run after a void proposal, in no name or another's."""
    model = proposal.challenger.model.digest
    earlier = [entry for entry in ledger.newest_first(head) if entry.decision is Outcome.PROPOSED and entry.digest == model]
    own = (proposal.started_by,) if proposal.started_by else ()
    return tuple(dict.fromkeys([*own, *(person for entry in earlier for person in entry.started_by)]))


def reports_digest(reports: Sequence[Reference]) -> str | None:
    """Digest of the reports about a champion, one for each of its training seeds; None for no champion."""
    digests = [report.digest for report in reports]
    return hashlib.sha256(canonical_json(digests)).hexdigest() if len(digests) > 1 else next(iter(digests), None)


def basis_of(fingerprint: str, champion_report: str | None, champion: LedgerEntry | None, forgotten: str | None = None) -> str:
    """Digest of everything a decision rests on: equal questions have equal answers, whatever the version numbers are.

    Args:
        fingerprint: of the registration, see `Proposal`.
        champion_report: of the champion's reports, see `reports_digest`; None for no champion.
        champion: the ledger entry of the champion.
        forgotten: see `Proposal`.
    """
    question = {"registration": fingerprint, "champion_report": champion_report, "against": champion.number if champion else None}
    if forgotten:
        question["forgotten"] = forgotten
    return hashlib.sha256(canonical_json(question)).hexdigest()


def _decide(
    ledger: Ledger, proposal: Proposal, head: LedgerEntry | None, champion: LedgerEntry | None
) -> tuple[Comparison | None, GateDecision]:
    """Ask the gate, unless the model holds what is to be forgotten, or a person rolled this very model back in favour of the champion."""
    if proposal.forgotten:
        return None, GateDecision(False, (proposal.forgotten,))
    rollback = ledger.find_rollback_of(proposal.challenger.model.digest, champion)
    if rollback:
        why = f"ledger entry {rollback.number} rolled this model back; it is not promoted again before another model is champion"
        return None, GateDecision(False, (why,))
    gate, scores = proposal.gate, proposal.scores
    rival = proposal.planned_against.scores if proposal.planned_against and not proposal.rivalless else None
    evidence = compared_scores(gate, scores, rival)
    comparison = next_comparison(ledger.newest_first(head), scores.ids, evidence, gate.confidence) if evidence else None
    decision = decide(gate, scores, rival, comparison.alpha if comparison else None)
    if comparison:
        decision.figures.update({"comparison": comparison.number, "alpha": comparison.alpha})
    return comparison, decision
