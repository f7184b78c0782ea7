"""What is measured of one text: a few numbers that people understand, and the hashed words and trigrams of its content.

All of it is cheap (about 0.1 ms for a docstring), needs no model, and gives the same values in every process: hashes are CRC-32, not
Python's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np
import regex

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

FEATURES = {
    "characters": "length in characters",
    "words": "length in words",
    "word_length": "mean length of a word, in characters",
    "digits": "share of digits among the characters",
    "punctuation": "share of punctuation and symbols among the characters",
    "capitals": "share of capitals among the letters",
    "latin": "share of Latin letters among the letters",
    "unknown_words": "share of words that a sample of the corpus does not contain",
}
"""The numbers of a text, in their order, with what each means."""

WORD = regex.compile(r"[\p{L}\p{M}]+")
LETTERS = regex.compile(r"\p{L}")
LATIN = regex.compile(r"\p{Latin}")
CAPITALS = regex.compile(r"\p{Lu}")
DIGITS = regex.compile(r"\p{Nd}")
SYMBOLS = regex.compile(r"[\p{P}\p{S}]")

BUCKETS = 1 << 15
"""Words and trigrams are counted in so many buckets; two that share one cannot be told apart."""

GRAM_CHARACTERS = 2000
"""Characters at the beginning of a text whose words and trigrams are counted. It bounds the size of a profile."""


class Measured(NamedTuple):
    """One text, measured."""

    numbers: tuple[float, ...]
    """The values of `FEATURES`."""

    grams: NDArray[np.uint16]
    """The buckets of its words and character trigrams, each once, ascending."""


def words_of(text: str) -> list[int]:
    """CRC-32 of each word (letters and marks, without case), in order."""
    return [crc32(word.encode()) for word in WORD.findall(text.casefold())]


def measure(text: str, vocabulary: Collection[int]) -> Measured:
    """Measure one text.

    Args:
        text: any text.
        vocabulary: CRC-32 of the words that count as known.
    """
    words = words_of(text)
    size, letters = max(len(text), 1), max(_count(LETTERS, text), 1)
    return Measured(
        (
            float(len(text)),
            float(len(words)),
            letters / len(words) if words else 0.0,
            _count(DIGITS, text) / size,
            _count(SYMBOLS, text) / size,
            _count(CAPITALS, text) / letters,
            _count(LATIN, text) / letters,
            sum(word not in vocabulary for word in words) / len(words) if words else 0.0,
        ),
        _grams(text[:GRAM_CHARACTERS].casefold()),
    )


def _count(pattern: regex.Pattern[str], text: str) -> int:
    return len(pattern.findall(text))


def _grams(text: str) -> NDArray[np.uint16]:
    """Buckets of the words and of the trigrams of characters; white space is one blank."""
    plain = f" {' '.join(text.split())} "
    found = {crc32(word.encode()) % BUCKETS for word in WORD.findall(plain)}
    found.update(crc32(b"3" + plain[place : place + 3].encode()) % BUCKETS for place in range(len(plain) - 2))
    return np.array(sorted(found), np.uint16)
