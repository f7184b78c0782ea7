"""Paired bootstrap over groups: the uncertainty of a score, or of a difference of scores, that comes from the choice of examples.

Examples of one group (a package, an author, a conversation) resemble each other, so whole groups are drawn, not examples: drawing
examples would give intervals that are too narrow. Each resample draws as many groups as there are, with replacement, and applies to
all systems and metrics at once, so differences between systems are paired by construction (Koehn 2004, "Statistical significance
tests for machine translation evaluation"). Intervals are two-sided percentile intervals: at 95 %, one true value in forty is
below the interval.

Rows are summed by group first, and resamples are drawn and scored in blocks, so memory does not grow with their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.metrics.groups import number_groups, sum_by_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import Value

BLOCK = 1_000_000
"""Numbers held at once: 8 MB each for draws, for their counts and for the sums of a metric."""


class Interval(NamedTuple):
    """A two-sided interval."""

    low: float
    high: float


class Bootstrap:
    """A fixed set of resamples of groups of examples."""

    def __init__(self, groups: Sequence[str], resamples: int, seed: int) -> None:
        """Set up the resamples.

        Args:
            groups: group of each example; an example with an empty one is a group of its own.
            resamples: how often groups are drawn.
            seed: of the draws.
        """
        self._group_of = number_groups(groups)
        self.groups = int(self._group_of.max(initial=-1)) + 1
        """Number of groups."""
        self._resamples, self._seed = resamples, seed

    def values(self, scored: Sequence[tuple[NDArray[Any], Value]]) -> list[NDArray[Any]]:
        """Scores of each resample; all metrics and systems of one call get the same resamples.

        Args:
            scored: statistics [examples, k] and the metric's value of their sums; each may have its own k.

        Returns:
            For each pair [resamples] values.
        """
        by_group = [sum_by_group(rows, self._group_of) for rows, _ in scored]
        found = [np.empty(self._resamples) for _ in scored]
        draw = np.random.default_rng(self._seed)
        size = max(1, BLOCK // max([self.groups, *(sums.shape[1] for sums in by_group)]))
        for start in range(0, self._resamples, size):
            weights = self._weights(draw, min(size, self._resamples - start))
            for values, sums, (_, value) in zip(found, by_group, scored, strict=True):
                values[start : start + size] = value(weights @ sums)
        return found

    def _weights(self, draw: np.random.Generator, count: int) -> NDArray[Any]:
        """[count, groups]: how often each resample has each group."""
        picked = draw.integers(0, self.groups, (count, self.groups)) + self.groups * np.arange(count)[:, None]
        return np.bincount(picked.ravel(), minlength=count * self.groups).reshape(count, self.groups).astype(np.float64)


def interval(values: NDArray[Any], confidence: float = 0.95) -> Interval:
    """Percentile interval of resampled values.

    Args:
        values: [resamples].
        confidence: share of the values inside the interval.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
