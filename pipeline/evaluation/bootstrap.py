"""Paired bootstrap: the uncertainty of a mean, or of a difference of means, that comes from the choice of examples.

Every resample draws as many examples as there are, with replacement, and is applied to all systems and metrics at once;
differences between systems are therefore paired by construction (Koehn 2004, "Statistical significance tests for machine
translation evaluation"). Intervals are two-sided percentile intervals: at 95 %, one true value in forty is below the interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Interval(NamedTuple):
    """A two-sided interval."""

    low: float
    high: float


class Bootstrap:
    """A fixed set of resamples of ``count`` examples."""

    def __init__(self, count: int, resamples: int, seed: int, confidence: float = 0.95) -> None:
        """Draw the resamples.

        Args:
            count: number of examples, at least one.
            resamples: how often they are drawn.
            seed: of the draws.
            confidence: share of resampled means inside an interval.
        """
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
        self.weights = draws / count
        self.tail = (1 - confidence) / 2

    def mean(self, values: NDArray[np.float64]) -> Interval:
        """Interval of the mean of ``values`` [count]."""
        return self._interval(self.weights @ values)

    def ratio(self, above: NDArray[np.float64], below: NDArray[np.float64]) -> Interval:
        """Interval of ``sum(above) / sum(below)``, both [count]: e.g. bits per byte."""
        return self._interval((self.weights @ above) / (self.weights @ below))

    def _interval(self, means: NDArray[np.float64]) -> Interval:
        low, high = np.quantile(means, [self.tail, 1 - self.tail])
        return Interval(float(low), float(high))
