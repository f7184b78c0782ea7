"""TF-IDF retrieval: the second text that shares most words with the first, by cosine of TF-IDF vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.evaluation.baselines.tfidf import tfidf_vectors
from pipeline.metrics.ranking import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction

ROWS = 256
"""Texts compared with all candidates at once."""


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Choose among the second texts of all documents that are asked; words weigh as in the training texts."""
    candidates = list(dict.fromkeys(document.pair for document in asked if document.pair is not None))
    alone = [document._replace(pair=None) for document in asked]
    wanted = [document._replace(text=text) for text, document in zip(candidates, alone, strict=False)]
    _, vectors = tfidf_vectors(known.documents, [*alone, *wanted])
    texts, columns = vectors[: len(asked)], vectors[len(asked) :].T.tocsr()
    found: list[Prediction] = []
    for start in range(0, len(asked), ROWS):
        found += [choose(candidates, row) for row in (texts[start : start + ROWS] @ columns).toarray()]
    return found


TFIDF_RETRIEVAL = Baseline("the second text with the most similar words", _predict)
