"""Exact match: whether an answer is the reference, apart from white space at the ends of a text and the order of several classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.metrics.base import Answer, Metric, Prediction, mean, means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def _statistics(references: Sequence[Answer], predictions: Sequence[Prediction]) -> NDArray[Any]:
    pairs = zip(references, predictions, strict=True)
    return means([100.0 * (_stripped(reference) == _stripped(prediction.answer)) for reference, prediction in pairs])


def _stripped(answer: Answer) -> Answer:
    if isinstance(answer, str):
        return answer.strip()
    return tuple(sorted(answer)) if isinstance(answer, tuple) else answer


EXACT_MATCH = Metric(
    name="exact_match",
    title="exact match",
    meaning="Exact match: the share of answers that equal their reference, 0 to 100; higher is better.",
    statistics=_statistics,
    value=mean,
    answers=frozenset({"text", "label", "labels", "number", "tags"}),
    percent=True,
)
