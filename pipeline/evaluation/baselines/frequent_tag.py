"""Frequent tag: each token gets the tag that it has most often in training; a token that training does not know is outside."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

OUTSIDE = "O"


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Look up each token; of equally frequent tags the first by alphabet. Single spaces separate the tokens of a text."""
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for document, tags in zip(known.documents, known.answers, strict=True):
        for token, tag in zip(document.text.split(" "), tags if isinstance(tags, list) else [], strict=True):
            counted[token][tag] += 1
    best = {token: min(tags, key=lambda tag: (-tags[tag], tag)) for token, tags in counted.items()}
    return [Prediction([best.get(token, OUTSIDE) for token in document.text.split(" ")]) for document in asked]


FREQUENT_TAG = Baseline("the most frequent training tag of each token", _predict)
