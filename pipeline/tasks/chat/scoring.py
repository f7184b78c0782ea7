"""How answers of a conversation are scored: ROUGE, and how probable the model finds the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.chat.section import Chat


def make_scoring(task: Chat) -> Scoring:  # noqa: ARG001 - the same for every chat
    """The last message of each conversation."""
    return Scoring(
        answers="text",
        metrics=("rougeL", "chrf", "bits_per_byte", "perplexity", "loss"),
        primary="rougeL",
        baselines=("most_frequent", "nearest_neighbour"),
        beats=("most_frequent",),
        reference=lambda document: document.target or None,
    )
