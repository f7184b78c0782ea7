"""How vectors are scored: by finding the second text of each pair among those of all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.tasks.embedding.section import Embedding


def make_scoring(task: Embedding) -> Scoring:  # noqa: ARG001 - the same for every embedding
    """The nearest second text of each text."""
    return Scoring(
        answers="choice",
        metrics=("accuracy_at_1", "mrr"),
        primary="accuracy_at_1",
        baselines=("tfidf_retrieval",),
        beats=("tfidf_retrieval",),
        reference=lambda document: document.target,
        show=lambda answer: answer if isinstance(answer, str) else "",
    )
