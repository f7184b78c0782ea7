"""Nearest neighbour: the answer of the most similar training text, by cosine of TF-IDF vectors.

It is strong if test documents have near copies in training, as random splits of code do, and weak on held-out packages. The
gap between the two shows how much of a score is memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.evaluation.baselines.tfidf import tfidf_vectors
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

ROWS = 256
"""Examples compared at once: 256 by 20,000 similarities are 20 MB, and larger blocks gain nothing."""


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Answer with the answer of the most similar training text; of equally similar ones the first."""
    vectors, questions = tfidf_vectors(known.documents, asked)
    columns = vectors.T.tocsr()
    nearest: list[int] = []
    for start in range(0, len(asked), ROWS):
        similar = (questions[start : start + ROWS] @ columns).toarray()
        nearest += np.asarray(similar.argmax(axis=1)).ravel().tolist()
    return [Prediction(known.answers[index]) for index in nearest]


NEAREST_NEIGHBOUR = Baseline("the answer of the most similar training text", _predict)
