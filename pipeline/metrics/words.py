"""The words of a text in any script, for metrics that count words.

A word is a run of letters and digits with their combining marks, in lower case: vowel signs of Hindi and Arabic belong to it. Some
scripts put no blanks between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese. There each character with its marks counts as a
word, so that one changed character costs one word and not the whole sentence.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

WITHOUT_BLANKS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
LETTER = r"[\p{L}\p{N}]"
MARK = r"\p{M}\u0e33\u0eb3\u200c\u200d"
"""Combining marks, the vowel am of Thai and Lao (a letter to Unicode), and the zero-width joiners of Persian and Indian words."""

WORD = regex.compile(rf"(?V1)[{WITHOUT_BLANKS}&&{LETTER}][{MARK}]*|[{LETTER}--{WITHOUT_BLANKS}][[{LETTER}{MARK}]--{WITHOUT_BLANKS}]*")


ALONE = regex.compile(rf"(?V1)[{WITHOUT_BLANKS}&&{LETTER}][{MARK}]*")


PIECE = regex.compile(rf"(?V1){ALONE.pattern.removeprefix('(?V1)')}|[\S--[{WITHOUT_BLANKS}&&{LETTER}]]+")
"""A piece of a text between blanks, or a character of a script without blanks."""


def count_pieces(text: str) -> int:
    """Number of pieces: of words with their punctuation, and of characters in scripts without blanks."""
    return sum(1 for _ in PIECE.finditer(text))


def first_pieces(text: str, count: int) -> str:
    """The beginning of a text, as many pieces as asked for, with single blanks."""
    ends = [found.end() for found, _ in zip(PIECE.finditer(text), range(count), strict=False)]
    return " ".join(text[: ends[-1]].split()) if ends else ""


def spaced(text: str) -> str:
    """The text with blanks around each character of the scripts without blanks; other text stays as it is."""
    return " ".join(ALONE.sub(r" \g<0> ", text).split()) if ALONE.search(text) else text


def find_words(text: str) -> list[str]:
    """The words, in order. Equal texts in different Unicode spellings have equal words."""
    found: list[str] = WORD.findall(unicodedata.normalize("NFC", text).lower())
    return found


@lru_cache(maxsize=20_000)
def words(text: str) -> list[str]:
    """`find_words`, cached: each reference is compared with every system's answer."""
    return find_words(text)
