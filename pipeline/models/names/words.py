"""Words of a text, their scores, and spans of them.

Models are trained on the first piece of each word, so that piece decides. A word such as ``O'Brien`` has several parts, each with a first piece: the most
probable one decides, and the whole word is in the span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pipeline.models.names.sections import Pieces, Section

SINGLE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""Scripts that are written without blanks: each letter is a word."""

PART = rf"(?:(?!{SINGLE})[\p{{L}}\p{{M}}\p{{N}}])+"
WORDS = regex.compile(rf"{SINGLE}\p{{M}}*|{PART}(?:['\u2019\u02bc\u2010\u2011-](?![sS](?!\w)){PART})*")
PARTS = regex.compile(rf"{SINGLE}\p{{M}}*|{PART}")

BETWEEN = regex.compile(r"\.?\s{0,2}|\u00b7|\u30fb")
"""What may be between two words of one name: ``J. R. R. Tolkien``."""

LONGEST_BETWEEN = 4


class NameWord(NamedTuple):
    """A word that is a part of a name."""

    start: int
    end: int

    begins: bool
    """Whether the model says that a name begins here."""


class Scores(NamedTuple):
    """What the model says of each piece."""

    name: NDArray[np.float32]
    """[pieces] probability of all classes that are names."""

    begins: NDArray[np.bool_]
    """[pieces] whether those that begin a name are more probable than the others."""


def name_words(text: str, section: Section, pieces: Pieces, scores: Scores, min_score: float) -> Iterator[NameWord]:
    """The words of a section that are parts of names.

    Args:
        text: the whole text.
        section: the part whose words are wanted.
        pieces: of what is read of it.
        scores: of these pieces.
        min_score: smallest probability of a name.
    """
    if not (scores.name >= min_score).any():
        return
    for word in WORDS.finditer(text, section.start):
        start, end = word.span()
        if start >= section.end:
            return
        firsts = [found for part in PARTS.finditer(text, start, end) if (found := _first_piece(pieces, *part.span())) is not None]
        best = max(firsts, key=lambda piece: float(scores.name[piece]), default=None)
        if best is not None and scores.name[best] >= min_score:
            yield NameWord(start, end, bool(scores.begins[firsts[0]]))


def _first_piece(pieces: Pieces, start: int, end: int) -> int | None:
    """The piece that holds the first character of a part of a word that has a piece; None where the tokenizer drops them all."""
    place = int(np.searchsorted(pieces.ends, start, side="right"))
    while place < len(pieces.ends) and pieces.ends[place] <= pieces.begins[place]:
        place += 1  # a piece of nothing but a blank
    return place if place < len(pieces.begins) and pieces.begins[place] < end else None


def join(text: str, words: Iterable[NameWord]) -> list[tuple[int, int]]:
    """Start and end of each name: words one after the other, unless the model says that another name begins."""
    spans: list[tuple[int, int]] = []
    for word in words:
        last = spans[-1][1] if spans else 0
        near = bool(spans) and word.start - last <= LONGEST_BETWEEN and BETWEEN.fullmatch(text, last, word.start) is not None
        if near and not word.begins:
            spans[-1] = (spans[-1][0], word.end)
        else:
            spans.append((word.start, word.end))
    return spans
