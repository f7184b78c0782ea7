"""A text of any length as windows of a model: sections of some thousand characters bound the memory, windows of tokens the context.

Sections overlap, and so do the windows of a section. Each word is scored in one section, and each piece of it in the window where it has the most
text on both sides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

SECTION, AROUND = 16_384, 512
"""Characters of a section, and of the text before and after it that is read with it."""

OVERLAP = 128
"""Pieces that two windows share, at most; at most half of a window."""


SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no tokenizer reads."""


class Section(NamedTuple):
    """A part of a text, and what is read with it."""

    start: int
    end: int
    """Characters whose words are scored here."""

    first: int
    last: int
    """Characters that are read."""


class Window(NamedTuple):
    """Some pieces of a section."""

    start: int
    end: int

    kept_from: int
    kept_to: int
    """Pieces that are scored here."""


class Pieces(NamedTuple):
    """The pieces of a section."""

    ids: NDArray[np.int64]
    """[pieces]"""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    """[pieces] characters of the text, without blanks before."""


def sections(text: str) -> Iterator[Section]:
    """The sections of a text, in its order; they begin behind a blank where one is near."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= SECTION + AROUND else _behind_blank(text, start + SECTION)
        first = _behind_blank(text, start - AROUND) if start > AROUND else 0
        yield Section(start, end, min(first, start), min(_behind_blank(text, end + AROUND), len(text)))
        start = end


def _behind_blank(text: str, place: int) -> int:
    """The place behind the next blank, or the same place where none is near."""
    if place >= len(text):
        return len(text)
    found = next((number for number in range(place, min(place + AROUND // 2, len(text))) if text[number].isspace()), None)
    return place if found is None else found + 1


def pieces_of(text: str, section: Section, tokenizer: Tokenizer) -> Pieces:
    """The pieces of what is read of a section."""
    read = text[section.first : section.last]
    encoded = tokenizer.encode(SURROGATES.sub("\ufffd", read), add_special_tokens=False)
    offsets = np.asarray(encoded.offsets, dtype=np.int64).reshape(-1, 2)
    begins = [begin + len(read[begin:end]) - len(read[begin:end].lstrip()) for begin, end in offsets.tolist()]
    return Pieces(
        np.asarray(encoded.ids, dtype=np.int64), np.asarray(begins, dtype=np.int64) + section.first, offsets[:, 1] + section.first
    )


def windows(count: int, room: int) -> list[Window]:
    """Windows over pieces.

    Args:
        count: number of pieces.
        room: most pieces of a window.
    """
    if count <= room:
        return [Window(0, count, 0, count)] if count else []
    shared = min(OVERLAP, room // 2)
    starts = [*range(0, count - room, room - shared), count - room]
    found, kept = [], 0
    for start, following in zip(starts, [*starts[1:], count], strict=True):
        # half of what two windows share belongs to each
        until = count if following == count else following + (start + room - following) // 2
        found.append(Window(start, start + room, kept, until))
        kept = until
    return found
