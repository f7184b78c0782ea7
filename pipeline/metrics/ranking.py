"""A choice among candidates: the most similar one, and how similar the best are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RANKED = 100
"""Candidates that a prediction lists: a reference below them counts as not found."""


def choose(candidates: Sequence[str], similar: NDArray[Any]) -> Prediction:
    """The most similar candidate, and the similarity of the best `RANKED`; of equally similar ones the first goes first.

    Args:
        candidates: different texts.
        similar: [candidates] similarities; higher is nearer.
    """
    best = np.argsort(-similar, kind="stable")[:RANKED].tolist()
    return Prediction(candidates[best[0]], scores={candidates[index]: float(similar[index]) for index in best}) if best else Prediction()
