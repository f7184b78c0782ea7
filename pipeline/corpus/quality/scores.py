"""How well a classifier separates two kinds of texts that it did not learn from, with intervals that hold in 95 of 100 cases.

The area under the ROC curve is the probability that a text of the reference has a higher score than one of the corpus. Its standard error is that
of DeLong et al. 1988, computed by ranks (Sun and Xu 2014). Shares have Wilson's interval (Wilson 1927).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NORMAL = 1.959964
DIGITS = 4

Figure = dict[str, float]
"""``value``, ``low`` and ``high``."""


def area(scores: Sequence[tuple[NDArray[np.float64], ...]]) -> Figure:
    """The area under the ROC curve, on average over classifiers.

    Args:
        scores: of each classifier those of texts of the reference and of the corpus; no text is scored by two.
    """
    values, variances = [], []
    for reference, corpus in scores:
        above, below = _shares_below(reference, corpus), _shares_below(corpus, reference)
        values.append(float(above.mean()))
        variances.append(float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))
    value, error = sum(values) / len(scores), sum(variances) ** 0.5 / len(scores)
    return _figure(value, max(0.0, value - NORMAL * error), min(1.0, value + NORMAL * error))


def share(hits: int, every: int) -> Figure:
    """A share with Wilson's interval."""
    from scipy.stats import binomtest

    interval = binomtest(hits, every).proportion_ci(method="wilson")
    return _figure(hits / every, float(interval.low), float(interval.high))


def balanced_accuracy(reference: NDArray[np.bool_], corpus: NDArray[np.bool_]) -> Figure:
    """The mean share of right answers in both kinds.

    Args:
        reference: which texts of the reference are recognized.
        corpus: which texts of the corpus are.
    """
    shares = [float(found.mean()) for found in (reference, corpus)]
    value = sum(shares) / 2
    error = sum(each * (1 - each) / len(found) for each, found in zip(shares, (reference, corpus), strict=True)) ** 0.5 / 2
    return _figure(value, max(0.0, value - NORMAL * error), min(1.0, value + NORMAL * error))


def _shares_below(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """[scores] the share of the others that each exceeds; equal ones count half."""
    ordered = np.sort(others)
    places = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    found: NDArray[np.float64] = places / (2 * len(others))
    return found


def _figure(value: float, low: float, high: float) -> Figure:
    return {"value": round(value, DIGITS), "low": round(low, DIGITS), "high": round(high, DIGITS)}
