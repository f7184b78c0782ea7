"""Gopher's rules against repetition: lines, paragraphs and runs of words that occur again in the same text.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", table A1. The thresholds are its own. Shares of
characters count those of words, without blanks. A word in several repeated runs counts once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOP = {2: 0.20, 3: 0.18, 4: 0.16}
"""Words of a run → largest share of characters in the most frequent run."""

REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
"""Words of a run → largest share of characters in runs that occurred before."""

MULTIPLIER, OTHER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
"""Odd, so that multiplication by one is a permutation of 64-bit integers (Knuth, The Art of Computer Programming 3, 6.4)."""


class Repetition(FilterBlock):
    """Filter texts that repeat themselves."""

    kind: Literal["repetition"]

    max_lines: float | None = Field(0.3, ge=0, le=1)
    """``repeated_lines``: a larger share of lines that occurred before."""

    max_line_chars: float | None = Field(0.2, ge=0, le=1)
    """``repeated_lines``: a larger share of characters in such lines."""

    max_paragraphs: float | None = Field(0.3, ge=0, le=1)
    """``repeated_paragraphs``: a larger share of paragraphs that occurred before."""

    max_paragraph_chars: float | None = Field(0.2, ge=0, le=1)
    """``repeated_paragraphs``: a larger share of characters in such paragraphs."""

    runs: bool = True
    """``repeated_runs``: a run of 2 to 4 words takes too large a share of the characters (0.20, 0.18, 0.16), or runs of 5 to 10 words that occurred before do (0.15 to 0.10)."""

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Nothing to load."""
        return _Judge(self)


class _Judge:
    def __init__(self, section: Repetition) -> None:
        self.rules = section

    def judge(self, found: Candidate) -> Verdict:
        """The first rule that fails."""
        rules, text = self.rules, found.text
        lines = [line for line in text.split("\n") if line.strip()]
        if _repeated(lines, rules.max_lines, rules.max_line_chars):
            return Verdict("repeated_lines")
        paragraphs = [part for part in text.split("\n\n") if part.strip()]
        if _repeated(paragraphs, rules.max_paragraphs, rules.max_paragraph_chars):
            return Verdict("repeated_paragraphs")
        return Verdict("repeated_runs" if rules.runs and repeats_runs(text.split()) else None)


def _repeated(parts: Sequence[str], most: float | None, most_chars: float | None) -> bool:
    """Whether too many parts, or too many of their characters, occurred before."""
    different = set(parts)
    if len(different) == len(parts):
        return False
    if most is not None and len(parts) - len(different) > most * len(parts):
        return True
    total = sum(map(len, parts))
    return most_chars is not None and total - sum(map(len, different)) > most_chars * total


def repeats_runs(words: Sequence[str]) -> bool:
    """Whether runs of words are repeated more than the table allows."""
    import numpy as np

    if len(set(pairwise(words))) >= len(words) - 1:
        return False  # longer runs cannot occur twice either
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    ids = np.fromiter(map(numbers.__getitem__, words), dtype=np.uint64, count=len(words))
    sizes = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    ends = np.concatenate([[0], np.cumsum(sizes)])
    total, runs, starts = int(ends[-1]), ids, np.arange(len(words))
    for length in range(2, min(max(REPEATED), len(words)) + 1):
        # distinct runs get distinct numbers but for a chance of 2^-64 for each pair
        runs = (runs[:-1] + np.uint64(1)) * np.uint64(MULTIPLIER) ^ ids[length - 1 :] * np.uint64(OTHER)
        starts = starts[starts < len(runs)]
        _, first, places, times = np.unique(runs[starts], return_index=True, return_inverse=True, return_counts=True)
        if len(times) == len(starts):
            return False
        if length in TOP and _top(starts[first], times, ends, length) > TOP[length] * total:
            return True
        again = starts[first[places] != np.arange(len(starts))]
        if length in REPEATED and _covered(again, sizes, length) > REPEATED[length] * total:
            return True
        # a longer run occurs twice only where this one does
        starts = starts[times[places] > 1]
    return False


def _top(first: Any, times: Any, ends: Any, length: int) -> int:  # noqa: ANN401 - arrays of numpy
    """Characters in all occurrences of the most frequent run; of several, of the longest one."""
    most = times == times.max()
    return int((times[most] * (ends[first[most] + length] - ends[first[most]])).max())


def _covered(again: Any, sizes: Any, length: int) -> int:  # noqa: ANN401 - arrays of numpy
    """Characters of the words in runs that begin at these places."""
    import numpy as np

    steps = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.add.at(steps, again, 1)
    np.add.at(steps, again + length, -1)
    return int(sizes[np.cumsum(steps[:-1]) > 0].sum())
