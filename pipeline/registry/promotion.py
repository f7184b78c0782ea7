"""Decide about a challenger and append the decision to the ledger, safely while other runs do the same.

The ledger entry is written first, then the alias. After a crash between the two, the retry finds the entry by its *basis*, a
digest of everything the gate read, and only sets the alias. A run whose entry number was taken decides again on the new state.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.artifacts.base import Conflict
from pipeline.artifacts.manifest import Reference, canonical_json
from pipeline.errors import Unavailable
from pipeline.registry.gate import GateDecision, decide
from pipeline.registry.ledger_entry import LedgerEntry, Outcome

if TYPE_CHECKING:
    from pipeline.recipe.gate import Gate
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import Candidate
    from pipeline.registry.scores import Scores


class ScoredChampion(NamedTuple):
    """The champion that a run was planned against."""

    model: Reference
    """Its model artifact."""

    report: Reference
    """Its report on the challenger's examples."""

    scores: Scores
    """The scores of that report."""


def decide_promotion(
    ledger: Ledger, gate: Gate, challenger: Candidate, scores: Scores, planned_against: ScoredChampion | None, run: str
) -> LedgerEntry:
    """Promote or refuse the challenger, and return the ledger entry of that decision, new or found.

    Args:
        ledger: the ledger of the registered model.
        gate: the recipe's rules.
        challenger: the model to decide about.
        scores: its scores.
        planned_against: the champion this run was planned against; None for no champion.
        run: id of the run.

    Raises:
        Unavailable: the champion is another one than the run was planned against.
        BadInput: see `decide`.
    """
    while True:
        head = ledger.head()
        champion = ledger.champion(head)
        if champion and champion.digest == challenger.model.digest:
            return champion
        if (champion.digest if champion else None) != (planned_against.model.digest if planned_against else None):
            raise Unavailable("the champion changed during this run", "the champion it was planned against", "run the recipe again")
        basis = basis_of(gate, challenger, planned_against.report if planned_against else None, champion)
        known = next((entry for entry in ledger.newest_first(head, champion.number if champion else 0) if entry.basis == basis), None)
        if known:
            return known
        decision = _decide(ledger, gate, challenger, scores, planned_against.scores if planned_against else None, champion)
        entry = LedgerEntry(
            number=head.number + 1 if head else 1,
            decision=Outcome.PROMOTED if decision.promote else Outcome.REFUSED,
            challenger=challenger,
            against=champion.number if champion else None,
            basis=basis,
            reasons=decision.reasons,
            figures=decision.figures,
            time=datetime.now(UTC),
            run=run,
        )
        try:
            return ledger.append(entry)
        except Conflict:
            continue


def basis_of(gate: Gate, challenger: Candidate, champion_report: Reference | None, champion: LedgerEntry | None) -> str:
    """Digest of everything a decision rests on: equal questions have equal answers, whatever the version numbers are."""
    question = {
        "gate": gate.model_dump(mode="json"),
        "model": challenger.model.digest,
        "report": challenger.report.digest if challenger.report else None,
        "champion_report": champion_report.digest if champion_report else None,
        "against": champion.number if champion else None,
    }
    return hashlib.sha256(canonical_json(question)).hexdigest()


def _decide(
    ledger: Ledger, gate: Gate, challenger: Candidate, scores: Scores, champion_scores: Scores | None, champion: LedgerEntry | None
) -> GateDecision:
    """Ask the gate, unless a person rolled this very model back in favour of the champion."""
    rollback = ledger.find_rollback_of(challenger.model.digest, champion)
    if rollback:
        why = f"ledger entry {rollback.number} rolled this model back; it is not promoted again before another model is champion"
        return GateDecision(False, (why,))
    return decide(gate, scores, champion_scores)
