"""How vectors are scored: by finding the second text of each pair among those of all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.nearest import Nearest
    from pipeline.evaluation.pass_progress import PassProgress
    from pipeline.evaluation.results import SplitResult
    from pipeline.models.files import Loaded
    from pipeline.tasks.embedding.section import Embedding


def make_scoring(task: Embedding) -> Scoring:
    """The nearest second text of each text."""

    def nearest(loaded: Loaded, known: Examples, results: Sequence[SplitResult], progress: PassProgress) -> list[Nearest]:
        from pipeline.tasks.embedding.neighbours import nearest_words_and_texts  # a recipe is checked without torch

        return nearest_words_and_texts(task, loaded, known, results, progress)

    return Scoring(
        answers="choice",
        metrics=("accuracy_at_1", "mrr"),
        primary="accuracy_at_1",
        baselines=("tfidf_retrieval",),
        beats=("tfidf_retrieval",),
        reference=lambda document: document.target,
        show=lambda answer: answer if isinstance(answer, str) else "",
        nearest=nearest,
    )
