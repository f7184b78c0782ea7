"""Token accuracy: the share of tokens with the right tag. For tags that are no spans, e.g. parts of speech."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def _statistics(references: Sequence[list[str]], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 2] rows: 100 times the tokens with the right tag, and all tokens of the reference; a missing tag is wrong."""
    rows = []
    for reference, prediction in zip(references, predictions, strict=True):
        answer = prediction.answer if isinstance(prediction.answer, list | tuple) else []
        rows.append([100.0 * sum(wanted == found for wanted, found in zip(reference, answer, strict=False)), len(reference)])
    return np.array(rows, dtype=np.float64)


TOKEN_ACCURACY = Metric(
    name="token_accuracy",
    title="token accuracy",
    meaning="Token accuracy: the share of tokens with the right tag, 0 to 100; higher is better.",
    statistics=_statistics,
    value=mean,
    answers=frozenset({"tags"}),
    percent=True,
)
