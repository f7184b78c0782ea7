"""Gopher's rules against repetition: lines, paragraphs and runs of words that occur again in the same text.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", table A1. The thresholds are its own. Shares of
characters count those of words, without blanks. A word in several repeated runs counts once.
"""

from __future__ import annotations

from itertools import accumulate
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

    hashes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)
    ends = np.fromiter(accumulate(map(len, words), initial=0), np.int64, len(words) + 1)
    runs, starts = hashes, np.arange(len(words))
    for length in range(2, min(max(REPEATED), len(words)) + 1):
        # distinct runs get distinct numbers but for a chance of 2^-64 for each pair
        runs = (runs[:-1] + np.uint64(1)) * np.uint64(MULTIPLIER) ^ hashes[length - 1 :] * np.uint64(OTHER)
        starts = starts[starts < len(runs)]
        found = runs[starts]
        order = np.argsort(found, kind="stable")
        ordered = found[order]
        same = ordered[1:] == ordered[:-1]
        if not same.any():
            return False
        starts = starts[order]
        share = TOP[length] if length in TOP else REPEATED[length]
        taken = _top(starts, same, ends, length) if length in TOP else _covered(starts, same, ends, length)
        if taken > share * ends[-1]:
            return True
        # a longer run occurs twice only where this one does
        several = np.zeros(len(starts), np.bool_)
        several[1:] = same
        several[:-1] |= same
        starts = np.sort(starts[several])
    return False


def _top(starts: Any, same: Any, ends: Any, length: int) -> int:  # noqa: ANN401 - arrays of numpy
    """Characters in all occurrences of the most frequent run; of several, of the longest one.

    Args:
        starts: [runs] where they begin, equal ones together and in their order.
        same: [runs - 1] whether the next one is equal.
        ends: [words + 1] characters before each word.
        length: of a run, in words.
    """
    import numpy as np

    heads = np.concatenate(([0], np.flatnonzero(~same) + 1))
    times = np.concatenate((heads[1:], [len(starts)])) - heads
    most = times.max()
    first = starts[heads[times == most]]
    return int(most * (ends[first + length] - ends[first]).max())


def _covered(starts: Any, same: Any, ends: Any, length: int) -> int:  # noqa: ANN401 - arrays of numpy
    """Characters of the words in runs that occurred before; arguments as of `_top`."""
    import numpy as np

    again = np.sort(starts[1:][same])
    behind = again + length
    behind[:-1] = np.minimum(behind[:-1], again[1:])
    return int((ends[behind] - ends[again]).sum())
