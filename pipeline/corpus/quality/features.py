"""The features of a text: its words and pairs of words, hashed (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning").

A feature is there or not, however often the words occur. Numbers are all alike. Signs count as words, and so do single letters of scripts that are
written without spaces.
"""

from __future__ import annotations

import hashlib
import re
from zlib import crc32

import numpy as np
import regex
from numpy.typing import NDArray

BITS = 18
SIZE = 1 << BITS
"""Number of features."""

CHARS = 10_000
"""Characters at the beginning of a text that count."""

WORDS = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    r"|(?:(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])[\p{L}\p{M}\p{N}_])+|[^\s\p{L}\p{M}\p{N}_]"
)
NUMBER = regex.compile(r"\p{N}+")

ASCII_WORDS = re.compile(r"\w+|[^\w\s]", re.ASCII)
"""The same for ASCII, twice as fast."""

ASCII_NUMBER = re.compile("[0-9]+")

Features = NDArray[np.int32]


def features_of(text: str) -> Features:
    """The different features of a text, ascending; empty for a text without words.

    CRC-32 is used as a hash: it is in every Python, fast, and the same everywhere. Nobody gains by collisions here.
    """
    words = [word.encode() for word in words_of(text)]
    single = list(map(crc32, words))
    pairs = map(crc32, [b" " + word for word in words[1:]], single)
    found = np.array([*single, *pairs], dtype=np.uint32) >> np.uint32(32 - BITS)
    return np.unique(found).astype(np.int32)


def words_of(text: str) -> list[str]:
    """Words and signs of the beginning of a text, in lower case, with 0 for every number."""
    text = text[:CHARS].lower()
    if text.isascii():
        return ASCII_WORDS.findall(ASCII_NUMBER.sub("0", text))
    found: list[str] = WORDS.findall(NUMBER.sub("0", text))
    return found


def digest_of(text: str) -> int:
    """A digest of a text, 64 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
