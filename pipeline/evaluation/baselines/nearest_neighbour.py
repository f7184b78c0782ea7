"""Nearest neighbour: the summary of the most similar training text, by cosine of TF-IDF vectors.

It is strong if test documents have near copies in training, as random splits of code do, and weak on held-out packages. The
gap between the two shows how much of a score is memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

ROWS = 256
"""Examples compared at once: 256 by 30,000 similarities are 60 MB, and larger blocks gain nothing."""


def nearest_neighbour(train: Sequence[Document], examples: Sequence[Document]) -> list[str]:
    """Answer with the target of the most similar training text; of equally similar ones the first."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(document.text for document in train).T.tocsr()
    asked = vectorizer.transform(document.text for document in examples)
    nearest: list[int] = []
    for start in range(0, len(examples), ROWS):
        similar = (asked[start : start + ROWS] @ known).toarray()
        nearest += np.asarray(similar.argmax(axis=1)).ravel().tolist()
    return [train[index].target or "" for index in nearest]
