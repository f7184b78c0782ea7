"""Expected calibration error: how far the probability of an answer is from how often such answers are right.

Answers are sorted by the probability of their class into 15 bins of equal width. The error is the mean over answers of the distance
between a bin's mean probability and its share of right answers (Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BINS = 15


def _statistics(references: Sequence[str], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 3 · BINS] rows: for each bin whether the answer is in it, its probability, and whether it is right."""
    table = np.zeros((len(references), 3, BINS))
    for row, (reference, prediction) in enumerate(zip(references, predictions, strict=True)):
        probability = float((prediction.scores or {})[str(prediction.answer)])
        # bin i holds (i / BINS, (i + 1) / BINS]
        place = min(max(int(np.ceil(probability * BINS)) - 1, 0), BINS - 1)
        table[row, :, place] = 1, probability, prediction.answer == reference
    return table.reshape(len(references), -1)


def _value(totals: NDArray[Any]) -> NDArray[Any]:
    count, probability, right = np.split(totals, 3, axis=-1)
    return 100 * ratio(np.abs(probability - right).sum(axis=-1), count.sum(axis=-1))


CALIBRATION_ERROR = Metric(
    name="calibration_error",
    title="calibration error",
    meaning="Calibration error: how far probabilities are from shares of right answers, in percentage points; lower is better.",
    statistics=_statistics,
    value=_value,
    answers=frozenset({"label"}),
    higher_is_better=False,
    needs="scores",
    per_example=False,
)
