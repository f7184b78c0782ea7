"""How far one system is ahead of another on the same examples, with an interval that also holds far in the tail.

The gate asks for error probabilities of 1 in 100,000 and less. A percentile bootstrap would need millions of resamples for that,
and it is too narrow with few groups: with 10 groups its 2.5 % are 5 %. So the standard error is that of the jackknife over groups
(leave out one group, score again), which suits every metric that is a smooth function of sums, and the interval is Student's t
(MacKinnon, Nielsen and Webb 2023, "Fast and reliable jackknife and bootstrap methods for cluster-robust inference").

The degrees of freedom are one less than the smaller of two numbers:

- the *effective* number of groups, (sum n)^2 / sum n^2 with n examples in each group: if a few groups have most of the examples,
  the error itself is known from those few (Carter, Schnepel and Steigerwald 2017, "Asymptotic behavior of a t-test robust to cluster
  heterogeneity");
- the number of groups on which the two systems differ: with 5 examples that changed, all for the better, chance alone does the same
  once in 32 times, whatever the formula for many examples says.

`docs/measurements.md` has the errors that were measured.
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


class PairedDifference(NamedTuple):
    """A difference of two scores of the same examples."""

    value: float
    """How far the first system is ahead, in the direction in which the metric is better."""

    error: float
    """Its standard error."""

    freedom: float
    """Degrees of freedom of the error; below 1 if nothing can be said."""

    examples: int
    groups: int

    def interval(self, tail: float) -> Interval | None:
        """Two-sided interval; None if so few groups differ that there is none.

        Args:
            tail: probability that the true difference is below the interval, and that it is above.
        """
        if not self.error:  # every group has the same difference
            return Interval(self.value, self.value)
        if self.freedom < 1:
            return None
        reach = upper_quantile(tail, self.freedom) * self.error
        return Interval(self.value - reach, self.value + reach)

    @property
    def spread(self) -> float:
        """Standard deviation of one example's difference, with the effect of groups: the error is this over sqrt(examples)."""
        return self.error * math.sqrt(self.examples)


def paired_difference(metric: Metric, own: NDArray[Any], other: NDArray[Any], groups: Sequence[str]) -> PairedDifference:
    """Compare two systems.

    Args:
        metric: what is compared.
        own: [examples, k] statistics, at least one row.
        other: the statistics of the same examples in the same order; its k may differ.
        groups: group of each example; an example with an empty one is a group of its own.
    """
    numbers = number_groups(groups)
    mine, theirs = sum_by_group(own, numbers), sum_by_group(other, numbers)
    count = len(mine)
    value = _ahead(metric, mine.sum(axis=0), theirs.sum(axis=0))
    if count == 1:
        return PairedDifference(float(value), math.inf, 0.0, len(own), 1)
    left_out = _ahead(metric, mine.sum(axis=0) - mine, theirs.sum(axis=0) - theirs)
    error = math.sqrt((count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum()))
    sizes = np.bincount(numbers)
    effective = float(sizes.sum()) ** 2 / float((sizes.astype(np.float64) ** 2).sum())
    return PairedDifference(float(value), _cleared(error, left_out), min(effective, _differing(mine, theirs)) - 1, len(own), count)


def _ahead(metric: Metric, own: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """[...] differences of sums [..., k]."""
    return np.asarray(metric.sign * (metric.value(own) - metric.value(other)))


def _cleared(error: float, left_out: NDArray[Any]) -> float:
    """The error, or 0 where it is no more than rounding: all groups have the same difference."""
    return error if error > 1e-9 * float(np.abs(left_out).max(initial=0)) else 0.0


def _differing(own: NDArray[Any], other: NDArray[Any]) -> int:
    """Number of groups on which the statistics differ."""
    return int((own != other).any(axis=1).sum()) if own.shape == other.shape else len(own)
