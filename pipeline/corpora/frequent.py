"""The most frequent of very many values, in bounded memory.

When too many different values are known, the rarer half is forgotten. A value that returns begins at zero, so its count is too small by
what was forgotten, and never too large (Manku and Motwani, "Approximate Frequency Counts over Data Streams", 2002).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT = 200_000
"""Different values that are known at the same time, at most: about 20 MB of words."""


class Frequent:
    """Counts values."""

    def __init__(self, kept: int = KEPT) -> None:
        """Start with nothing counted.

        Args:
            kept: different values that are known at the same time, at most.
        """
        self.kept = kept
        self.counts: Counter[str] = Counter()

    def add(self, values: Iterable[str]) -> None:
        """Count values; an empty one is not counted."""
        self.counts.update(values)
        self.counts.pop("", None)
        if len(self.counts) > self.kept:
            self.counts = Counter(dict(self.counts.most_common(self.kept // 2)))

    def most(self, limit: int) -> list[tuple[str, int]]:
        """The most frequent values with their counts; equal counts in the order of the values."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
