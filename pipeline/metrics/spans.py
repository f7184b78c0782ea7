"""Span F1: the F-measure of labelled spans in tagged text, equal to seqeval's `f1_score`.

Tags follow IOB2: ``B-X`` begins a span of kind X, ``I-X`` continues it, ``O`` is outside. As in seqeval's default mode, an ``I-X``
without a beginning counts as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def _statistics(references: Sequence[list[str]], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 3] rows: spans predicted rightly, expected, predicted."""
    from seqeval.metrics.sequence_labeling import get_entities

    rows = []
    for reference, prediction in zip(references, predictions, strict=True):
        answer = prediction.answer
        wanted = set(get_entities(list(reference)))
        found = set(get_entities(list(answer) if isinstance(answer, list | tuple) else []))
        rows.append([len(wanted & found), len(wanted), len(found)])
    return np.array(rows, dtype=np.float64)


def _value(totals: NDArray[Any]) -> NDArray[Any]:
    return 100 * ratio(2 * totals[..., 0], totals[..., 1] + totals[..., 2])


SPAN_F1 = Metric(
    name="span_f1",
    title="span F1",
    meaning="Span F1: the F-measure of spans with the right ends and the right kind, 0 to 100; higher is better.",
    statistics=_statistics,
    value=_value,
    answers=frozenset({"tags"}),
    percent=True,
)
