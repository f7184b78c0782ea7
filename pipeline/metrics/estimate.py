"""A score with its standard error, and the difference of two scores of different examples.

The error is that of the jackknife over groups of examples, and intervals are Student's t, as in `pipeline.metrics.paired_difference`.
There, two systems answer the same examples. Here one system answers two sets of examples that have nothing in common, so the
variances add up, and the degrees of freedom are those of Welch 1947, "The generalization of 'Student's' problem when several different
population variances are involved" (the Welch-Satterthwaite equation).

A score near the end of its scale is known from its few exceptions: of 100 answers with 2 right ones, two decide its error. So the degrees of
freedom are also bounded by the number of groups that differ from the most frequent result. Without that bound, a threshold of 5 % raises
70 times as many false alarms as stated.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.metrics.bootstrap import Interval
from pipeline.metrics.groups import number_groups, sum_by_group
from pipeline.metrics.student import upper_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import Metric


class Estimate(NamedTuple):
    """A score, or a difference of scores."""

    value: float
    """In the unit of the metric."""

    error: float
    """Its standard error."""

    freedom: float
    """Degrees of freedom of the error; below 1 if nothing can be said."""

    def interval(self, tail: float) -> Interval | None:
        """Two-sided interval; None if there are too few groups for one.

        Args:
            tail: probability that the true value is below the interval, and that it is above.
        """
        if self.freedom < 1:
            return None
        reach = upper_quantile(tail, self.freedom) * self.error if self.error else 0.0
        return Interval(self.value - reach, self.value + reach)


def estimate(metric: Metric, statistics: NDArray[Any], groups: Sequence[str]) -> Estimate:
    """The score of one system.

    Args:
        metric: what is scored.
        statistics: [examples, k], at least one row.
        groups: group of each example; an example with an empty one is a group of its own.
    """
    numbers = number_groups(groups)
    sums = sum_by_group(statistics, numbers)
    count, total = len(sums), sums.sum(axis=0)
    value = float(metric.value(total))
    if count == 1:
        return Estimate(value, math.inf, 0.0)
    left_out = np.asarray(metric.value(total - sums))
    error = math.sqrt((count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum()))
    sizes = np.bincount(numbers).astype(np.float64)
    effective = float(sizes.sum()) ** 2 / float((sizes**2).sum())
    frequent = int(np.unique(sums, axis=0, return_counts=True)[1].max())
    exceptions = count - frequent if frequent > 1 else count
    return Estimate(value, error, min(effective - 1, max(exceptions - 1, 1)))


def difference(own: Estimate, other: Estimate, sign: int = 1) -> Estimate:
    """How far one score is ahead of another one of other examples.

    Args:
        own: one score.
        other: the score it is compared with.
        sign: 1 if higher is better, else -1, as `Metric.sign` is.
    """
    parts = [(one.error**2, one.freedom) for one in (own, other)]
    variance = sum(square for square, _ in parts)
    value = sign * (own.value - other.value)
    least = min(own.freedom, other.freedom)
    if not variance or least < 1:
        return Estimate(value, math.sqrt(variance), least)
    return Estimate(value, math.sqrt(variance), variance**2 / sum(square**2 / freedom for square, freedom in parts))
