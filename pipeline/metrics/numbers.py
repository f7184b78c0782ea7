"""Metrics of numbers: root mean squared error, mean absolute error, and the correlations of Pearson and Spearman."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction, mean, means, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import AnswerKind


def _pairs(references: Sequence[float], predictions: Sequence[Prediction]) -> tuple[NDArray[Any], NDArray[Any]]:
    """References and answers, [n] each."""
    answers = [prediction.answer for prediction in predictions]
    return np.asarray(references, dtype=np.float64), np.array(answers, dtype=np.float64)


def _squared_errors(references: Sequence[float], predictions: Sequence[Prediction]) -> NDArray[Any]:
    wanted, found = _pairs(references, predictions)
    return means(((wanted - found) ** 2).tolist())


def _root_mean(totals: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.sqrt(mean(totals)))


def _absolute_errors(references: Sequence[float], predictions: Sequence[Prediction]) -> NDArray[Any]:
    wanted, found = _pairs(references, predictions)
    return means(np.abs(wanted - found).tolist())


def _moments(wanted: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    """[n, 6] rows: 1, x, y, x², y², xy. Both are centred and scaled first: sums of large squares would cancel."""
    x, y = _standard(wanted), _standard(found)
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def _standard(values: NDArray[Any]) -> NDArray[Any]:
    centred = values - values.mean()
    largest = np.abs(centred).max()
    # what is left of a constant after subtracting its mean is rounding
    return np.asarray(centred / largest) if largest > 1e-12 * np.abs(values).max() else np.zeros(len(values))


def _pearson(references: Sequence[float], predictions: Sequence[Prediction]) -> NDArray[Any]:
    return _moments(*_pairs(references, predictions))


def _spearman(references: Sequence[float], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """Moments of the ranks; equal values share their mean rank. A resample keeps the ranks of the whole."""
    from scipy.stats import rankdata

    wanted, found = _pairs(references, predictions)
    return _moments(rankdata(wanted), rankdata(found))


def _correlation(totals: NDArray[Any]) -> NDArray[Any]:
    """Covariance over standard deviations; 0 where one side is constant."""
    count, x, y, xx, yy, xy = np.moveaxis(totals, -1, 0)
    spread_x, spread_y = count * xx - x * x, count * yy - y * y
    varies = (spread_x > 1e-9 * count * xx) & (spread_y > 1e-9 * count * yy)
    below = np.sqrt(np.where(varies, spread_x, 0) * np.where(varies, spread_y, 0))
    return np.asarray(np.clip(ratio(count * xy - x * y, below), -1, 1))


NUMBERS: frozenset[AnswerKind] = frozenset({"number"})

RMSE = Metric(
    name="rmse",
    title="RMSE",
    meaning="RMSE: root mean squared error, in the unit of the target; lower is better.",
    statistics=_squared_errors,
    value=_root_mean,
    answers=NUMBERS,
    higher_is_better=False,
    digits=None,
)
MAE = Metric(
    name="mae",
    title="MAE",
    meaning="MAE: mean absolute error, in the unit of the target; lower is better.",
    statistics=_absolute_errors,
    value=mean,
    answers=NUMBERS,
    higher_is_better=False,
    digits=None,
)
PEARSON = Metric(
    name="pearson",
    title="Pearson correlation",
    meaning="Pearson correlation of expected and predicted number, -1 to 1; higher is better.",
    statistics=_pearson,
    value=_correlation,
    answers=NUMBERS,
    digits=3,
    per_example=False,
)
SPEARMAN = Metric(
    name="spearman",
    title="Spearman correlation",
    meaning="Spearman correlation: the correlation of the ranks, -1 to 1; higher is better.",
    statistics=_spearman,
    value=_correlation,
    answers=NUMBERS,
    digits=3,
    per_example=False,
)
