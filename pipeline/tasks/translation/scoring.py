"""How translations are scored: chrF and BLEU, and how probable the model finds the references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.translation.section import Translation


def make_scoring(task: Translation) -> Scoring:  # noqa: ARG001 - the same for every translation
    """Texts in another language. chrF decides: it needs no words, and agrees better with people than BLEU (Popović 2015)."""
    return Scoring(
        answers="text",
        metrics=("chrf", "bleu", "bits_per_byte", "perplexity", "loss"),
        primary="chrf",
        baselines=("copy_source", "nearest_neighbour"),
        beats=("copy_source",),
        reference=lambda document: document.target or None,
    )
