"""How a language model is scored: by the likelihood of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.language_model.section import LanguageModel


def make_scoring(task: LanguageModel) -> Scoring:  # noqa: ARG001 - the same for every language model
    """Texts of the test split. Bits per byte decide: they compare models with different tokenizers, and with compression."""
    return Scoring(
        answers="none",
        metrics=("bits_per_byte", "perplexity", "loss"),
        primary="bits_per_byte",
        baselines=("gzip",),
        beats=("gzip",),
        reference=lambda document: document.text or None,
    )
