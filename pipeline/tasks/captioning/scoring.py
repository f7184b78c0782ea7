"""How captions are scored: ROUGE and chrF, and how probable the model finds the references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.captioning.section import Captioning

KNOWN = 2_000
"""Training images that the baselines learn from: at 224 pixels they take 300 MB."""


def make_scoring(task: Captioning) -> Scoring:  # noqa: ARG001 - the same for all captions
    """Short texts about images."""
    return Scoring(
        answers="text",
        metrics=("rougeL", "rouge1", "rouge2", "chrf", "bits_per_byte", "perplexity", "loss"),
        primary="rougeL",
        baselines=("most_frequent", "nearest_image"),
        beats=("most_frequent",),
        reference=lambda document: document.target or None,
        known=KNOWN,
    )
