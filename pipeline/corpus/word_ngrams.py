"""Hashes of the runs of n words in many texts at once, without a Python object for each word.

A text is its comparison key: case, punctuation and spacing do not count. Characters of scripts without blanks between words (Chinese,
Japanese, Thai, Lao, Khmer, Burmese) are words of their own. A run never crosses the end of a text.

The hash of a run is the difference of two prefix sums of a polynomial over its bytes, modulo 2^64 (Karp and Rabin 1987, "Efficient randomized
pattern-matching algorithms"). Each byte stands for a random number of 64 bits, so that runs that differ in a few bits get unrelated hashes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.normalise import comparison_key
from pipeline.metrics.words import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BASE = 0x9E3779B97F4A7C15 | 1
"""Base of the polynomial: odd, so that it has an inverse modulo 2^64."""

INVERSE = pow(BASE, -1, 2**64)
BYTES = np.random.default_rng(2020).integers(2**64, size=256, dtype=np.uint64)
"""What each byte counts as."""

BLANK, END = ord(" "), ord("\n")


class Runs(NamedTuple):
    """The runs of n words of some texts."""

    hashes: NDArray[np.uint64]
    """[runs]"""

    texts: NDArray[np.int64]
    """[runs] place of the text of each run."""


def word_key(text: str) -> str:
    """The words of a text as they are compared, with single blanks between them."""
    key = comparison_key(text)
    return key if key.isascii() else spaced(key)


def hash_runs(keys: Sequence[str], size: int) -> Runs:
    """Hash every run of ``size`` words.

    Args:
        keys: texts as `word_key` gives them.
        size: words in a run, at least 1. A text with fewer words has no run.
    """
    return hash_sizes(keys, (size,))[0]


def hash_sizes(keys: Sequence[str], sizes: Sequence[int]) -> list[Runs]:
    """Hash every run of several sizes, which takes little longer than of one.

    Args:
        keys: texts as `word_key` gives them.
        sizes: words in a run, at least 1 each.

    Returns:
        For each size its runs, text by text in the order of the words.
    """
    data = np.frombuffer("\n".join(keys).encode(), dtype=np.uint8)
    gaps = np.flatnonzero((data == BLANK) | (data == END))
    starts, ends = np.concatenate(([0], gaps + 1)), np.concatenate((gaps, [len(data)]))
    texts = np.concatenate(([0], np.cumsum(data[gaps] == END)))
    words = ends > starts  # an empty text has no word
    starts, ends, texts = starts[words], ends[words], texts[words]
    powers, inverses = _powers(1 << len(data).bit_length())
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(BYTES[data] * powers[: len(data)], dtype=np.uint64)))
    found: list[Runs] = []
    for last in (size - 1 for size in sizes):
        if len(starts) <= last:
            found.append(Runs(np.empty(0, np.uint64), np.empty(0, np.int64)))
            continue
        whole = texts[: len(texts) - last] == texts[last:]
        first, end = starts[: len(starts) - last][whole], ends[last:][whole]
        found.append(Runs((sums[end] - sums[first]) * inverses[first], texts[: len(texts) - last][whole]))
    return found


@lru_cache(maxsize=2)
def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first powers of the base and of its inverse, modulo 2^64."""
    return tuple(_cumulated(np.uint64(base), count) for base in (BASE, INVERSE))  # type: ignore[return-value]


def _cumulated(base: np.uint64, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)
