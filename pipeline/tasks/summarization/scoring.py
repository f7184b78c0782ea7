"""How summaries are scored: ROUGE, and how probable the model finds the references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.summarization.section import Summarization


def make_scoring(task: Summarization) -> Scoring:  # noqa: ARG001 - the same for every summarization
    """Short texts that describe longer ones."""
    return Scoring(
        answers="text",
        metrics=("rougeL", "rouge1", "rouge2", "bits_per_byte", "perplexity", "loss"),
        primary="rougeL",
        baselines=("lead", "most_frequent", "name_template", "nearest_neighbour"),
        beats=("lead", "most_frequent"),
        reference=lambda document: document.target or None,
    )
