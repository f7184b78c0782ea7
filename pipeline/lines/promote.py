"""The line that ends a proposal: people answer, then the model becomes champion, or not.

A recipe without approvals needs no such line: its registration promotes a model that passed the gate, in the same append that records the
comparison. With approvals, training must not wait for people, so the proposal waits in the ledger and this line ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lines.steps import Emit
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pipeline.lines.steps import Steps
    from pipeline.recipe import Recipe


def promote(step: Steps, recipe: Recipe) -> None:
    """From a model that passed the gate to the champion."""
    registration = recipe.registration
    step(
        "promotion",
        registration,
        model=step.proposal(registration.model),
        people=registration.approval,
        registers=registration.model,
        emits=(Emit("promotion", Outcome.PROMOTED),),
    )
