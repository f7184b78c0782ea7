"""Paired bootstrap over groups: the uncertainty of a score, or of a difference of scores, that comes from the choice of examples.

Examples of one group (a package, an author, a conversation) resemble each other, so whole groups are drawn, not examples: drawing
examples would give intervals that are too narrow. Each resample draws as many groups as there are, with replacement, and applies to
all systems and metrics at once, so differences between systems are paired by construction (Koehn 2004, "Statistical significance
tests for machine translation evaluation"). Intervals are two-sided percentile intervals: at 95 %, one true value in forty is
below the interval.

Rows are summed by group first, and resamples are drawn in blocks, so memory does not grow with examples times resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK = 1_000_000
"""Draws held at once: 8 MB each for the draws and for their counts."""


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
        numbers: dict[object, int] = {}
        self._group_of = np.array([numbers.setdefault(group or place, len(numbers)) for place, group in enumerate(groups)], dtype=np.int64)
        self.groups = len(numbers)
        """Number of groups."""
        self._resamples, self._seed = resamples, seed

    def totals(self, statistics: NDArray[Any]) -> NDArray[Any]:
        """Sums of the rows of each resample.

        Args:
            statistics: [examples, k].

        Returns:
            [resamples, k].
        """
        by_group = np.zeros((self.groups, statistics.shape[1]))
        np.add.at(by_group, self._group_of, statistics)
        draw = np.random.default_rng(self._seed)
        totals = np.empty((self._resamples, statistics.shape[1]))
        rows = max(1, BLOCK // self.groups)
        for start in range(0, self._resamples, rows):
            count = min(rows, self._resamples - start)
            picked = draw.integers(0, self.groups, (count, self.groups)) + self.groups * np.arange(count)[:, None]
            weights = np.bincount(picked.ravel(), minlength=count * self.groups).reshape(count, self.groups)
            totals[start : start + count] = weights.astype(np.float64) @ by_group
        return totals


def interval(values: NDArray[Any], confidence: float = 0.95) -> Interval:
    """Percentile interval of resampled values.

    Args:
        values: [resamples].
        confidence: share of the values inside the interval.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
