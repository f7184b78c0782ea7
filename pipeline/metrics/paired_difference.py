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

With several training seeds, a system's score is the mean of its seeds' scores, and the jackknife leaves out a group for all seeds at once. The
difference of two means then also has an error from the choice of the seeds (Bouthillier et al. 2021, "Accounting for variance in machine
learning benchmarks"). The two errors are known from samples of different size, often from two or three seeds only. So each part is multiplied
by its own quantile of Student's t, and the reach of the interval is the root of the sum of squares. That covers at least as often as stated, for
any numbers of degrees of freedom and any true variances (Banerjee 1961, "On confidence interval for two-means problem based on separate
estimates of variances and tabulated values of t-table"). It is wider than need be: chance by example counts in both parts.

`docs/measurements.md` has the errors that were measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pipeline.metrics.bootstrap import Interval
from pipeline.metrics.groups import number_groups, sum_by_group
from pipeline.metrics.student import upper_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import Metric

    SeedRows: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]


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

    seed_error: float = 0.0
    """Standard error from the choice of training seeds; 0 if both systems have one, and nothing is known of it."""

    seed_freedom: float = math.inf
    """Degrees of freedom of that error."""

    def interval(self, tail: float) -> Interval | None:
        """Two-sided interval; None if so few groups differ that there is none.

        Args:
            tail: probability that the true difference is below the interval, and that it is above.
        """
        if self.error and self.freedom < 1:
            return None
        parts = ((self.error, self.freedom), (self.seed_error, self.seed_freedom))
        # without an error, every group or seed has the same difference
        reach = math.hypot(*(upper_quantile(tail, freedom) * error for error, freedom in parts if error))
        return Interval(self.value - reach, self.value + reach)

    @property
    def spread(self) -> float:
        """Standard deviation of one example's difference, with the effect of groups: the error is this over sqrt(examples)."""
        return self.error * math.sqrt(self.examples)


def paired_difference(
    metric: Metric, own: SeedRows, other: SeedRows, groups: Sequence[str], *, same_seeds: bool = False
) -> PairedDifference:
    """Compare two systems.

    Args:
        metric: what is compared.
        own: [examples, k] statistics, at least one row; or a list of them, one for each training seed. Their k may differ.
        other: the statistics of the same examples in the same order.
        groups: group of each example; an example with an empty one is a group of its own.
        same_seeds: the n-th seeds of both systems belong together, as those of a model and of a baseline in one report: their differences are
            the sample.
    """
    numbers = number_groups(groups)
    mine, theirs = ([sum_by_group(rows, numbers) for rows in _list(each)] for each in (own, other))
    sums = [_Sums(rows) for rows in (mine, theirs)]
    error_of_seeds = _seed_error(*(each.scores(metric) for each in sums), same_seeds=same_seeds)
    count, value = len(mine[0]), metric.sign * float(sums[0].scores(metric).mean() - sums[1].scores(metric).mean())
    if count == 1:
        return PairedDifference(value, math.inf, 0.0, len(numbers), 1, *error_of_seeds)
    left_out = metric.sign * (sums[0].left_out(metric) - sums[1].left_out(metric))
    error = math.sqrt((count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum()))
    sizes = np.bincount(numbers)
    effective = float(sizes.sum()) ** 2 / float((sizes.astype(np.float64) ** 2).sum())
    freedom = min(effective, _differing(mine, theirs)) - 1
    return PairedDifference(value, _cleared(error, left_out), freedom, len(numbers), count, *error_of_seeds)


class _Sums:
    """Sums of the statistics of one system by group, for each training seed."""

    def __init__(self, by_group: Sequence[NDArray[Any]]) -> None:
        self.by_group = by_group
        self.totals = [rows.sum(axis=0) for rows in by_group]

    def scores(self, metric: Metric) -> NDArray[Any]:
        """[seeds] scores."""
        return np.array([float(metric.value(total)) for total in self.totals])

    def left_out(self, metric: Metric) -> NDArray[Any]:
        """[groups] mean scores of the seeds without one of the groups."""
        values = [metric.value(total - rows) for total, rows in zip(self.totals, self.by_group, strict=True)]
        return np.asarray(np.mean(values, axis=0))


def _list(rows: SeedRows) -> Sequence[NDArray[Any]]:
    return [rows] if isinstance(rows, np.ndarray) else rows


def _seed_error(own: NDArray[Any], other: NDArray[Any], *, same_seeds: bool) -> tuple[float, float]:
    """Standard error of a difference of means that comes from the seeds, and its degrees of freedom.

    Two recipes are taken to vary equally: their variances are pooled. So a champion that was trained with one seed counts with the
    variance of the challenger's seeds.

    Args:
        own: [seeds] scores.
        other: [seeds] scores; as many if ``same_seeds``.
        same_seeds: see `paired_difference`.
    """
    samples = [own - other] if same_seeds else [own, other]
    freedom = sum(len(sample) - 1 for sample in samples)
    if not freedom:
        return 0.0, math.inf
    squares = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in samples)
    return math.sqrt(squares / freedom * sum(1 / len(sample) for sample in samples)), float(freedom)


def _cleared(error: float, left_out: NDArray[Any]) -> float:
    """The error, or 0 where it is no more than rounding: all groups have the same difference."""
    return error if error > 1e-9 * float(np.abs(left_out).max(initial=0)) else 0.0


def _differing(own: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> int:
    """Number of groups on which the mean statistics differ."""
    if len({rows.shape for rows in (*own, *other)}) > 1:
        return len(own[0])
    return int((np.mean(own, axis=0) != np.mean(other, axis=0)).any(axis=1).sum())
