"""Metrics of retrieval: how far up the right candidate is.

A prediction lists the best candidates with their similarities. A reference that is not among them counts as not found. Candidates that
are as similar as the reference count as above it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.metrics.base import Metric, Prediction, mean, means

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


def _rank(reference: str, prediction: Prediction) -> int | None:
    """Place of the reference among the candidates, from 1; None if it is not among them."""
    scores = prediction.scores or {}
    return sum(score >= scores[reference] for score in scores.values()) if reference in scores else None


def _statistics(references: Sequence[str], predictions: Sequence[Prediction], value: Callable[[int], float]) -> NDArray[Any]:
    ranks = [_rank(reference, prediction) for reference, prediction in zip(references, predictions, strict=True)]
    return means([0.0 if rank is None else 100 * value(rank) for rank in ranks])


def _reciprocal(rank: int) -> float:
    return 1 / rank


def _first(rank: int) -> float:
    return float(rank == 1)


MRR = Metric(
    name="mrr",
    title="MRR",
    meaning="MRR: the mean of one over the rank of the right candidate (Voorhees 1999), 0 to 100; higher is better.",
    statistics=partial(_statistics, value=_reciprocal),
    value=mean,
    needs="scores",
    answers=frozenset({"choice"}),
    percent=True,
)
ACCURACY_AT_1 = Metric(
    name="accuracy_at_1",
    title="accuracy@1",
    meaning="Accuracy@1: how often the right candidate is the most similar one, 0 to 100; higher is better.",
    statistics=partial(_statistics, value=_first),
    value=mean,
    needs="scores",
    answers=frozenset({"choice"}),
    percent=True,
)
