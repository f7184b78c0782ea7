"""Deciding about a challenger and writing the decision down, safely beside others that do the same.

The order is: entry first, then the alias. A crash between the two leaves the truth written and the projection stale, and the
retry finds the entry by its *basis*, a digest of everything the gate looked at, and only sets the alias. A decision that lost
the race for its number is made again on the new state.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict
from pipeline.artifacts.manifest import canonical_json
from pipeline.errors import Unavailable
from pipeline.registry.entry import Entry, Outcome
from pipeline.registry.gate import GateDecision, decide

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Reference
    from pipeline.recipe.gate import Gate
    from pipeline.registry.entry import Contender
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.scores import Scores


def promote(
    ledger: Ledger, gate: Gate, challenger: Contender, scores: Scores, rival: tuple[Reference, Reference, Scores] | None, run: str
) -> Entry:
    """Decide about the challenger and return the ledger entry that says how it went, new or found.

    Args:
        ledger: the ledger of the registered model.
        gate: the recipe's rules.
        challenger: what is decided upon.
        scores: its scores.
        rival: model, report and scores of the champion this run was planned against; None for no champion.
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
        if (champion.digest if champion else None) != (rival[0].digest if rival else None):
            raise Unavailable("the champion changed while this run was under way", "the one it was planned against", "plan the run anew")
        basis = basis_of(gate, challenger, rival[1] if rival else None, champion)
        known = next((entry for entry in ledger.back(head, champion.number if champion else 0) if entry.basis == basis), None)
        if known:
            return known
        decision = _decide(ledger, gate, challenger, scores, rival[2] if rival else None, champion)
        entry = Entry(
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


def basis_of(gate: Gate, challenger: Contender, champion_report: Reference | None, champion: Entry | None) -> str:
    """Digest of everything a decision rests on: equal questions have equal answers, whatever the versions are called."""
    question = {
        "gate": gate.model_dump(mode="json"),
        "model": challenger.model.digest,
        "report": challenger.report.digest if challenger.report else None,
        "champion_report": champion_report.digest if champion_report else None,
        "against": champion.number if champion else None,
    }
    return hashlib.sha256(canonical_json(question)).hexdigest()


def _decide(
    ledger: Ledger, gate: Gate, challenger: Contender, scores: Scores, rival: Scores | None, champion: Entry | None
) -> GateDecision:
    """Ask the gate, unless a person took this very model out of service in favour of the champion."""
    withdrawal = ledger.withdrawn(challenger.model.digest, champion)
    if withdrawal:
        why = f"this model was rolled back by entry {withdrawal.number} of the ledger and stays out until another champion comes"
        return GateDecision(False, (why,))
    return decide(gate, scores, rival)
