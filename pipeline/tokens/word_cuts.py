"""Where texts may be cut without other ids: GPT-2's regular expression finds in the parts the words that it finds in the whole.

A cut is made only between characters that show that a word ends there. Of one outside of ASCII, only its first byte counts: most of them show that it
is no blank, so there is a cut before the space in front of it. Next to any other byte, and to control characters, there is none. So no table of Unicode
is needed: a part like " naïve," is left to the encoder, which knows the expression.

Three things are less than plain. A space belongs to the word after it. Of several blanks before a word, the last is on its own, so a part never ends
with several blanks of which the expression would take one away. And after an apostrophe a letter may belong to it ("'s").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

LETTER, DIGIT, APOSTROPHE, MARK, SPACE, BLANK, FOREIGN, OTHER = range(8)
WORD, WHITE = (LETTER, DIGIT, APOSTROPHE, MARK), (SPACE, BLANK)

BETWEEN = (
    *((LETTER, after) for after in (DIGIT, APOSTROPHE, MARK)),
    *((DIGIT, after) for after in (LETTER, APOSTROPHE, MARK)),
    *((before, DIGIT) for before in (APOSTROPHE, MARK)),
    (MARK, LETTER),
    *((before, after) for before in WORD for after in WHITE),
    *((BLANK, after) for after in (*WORD, FOREIGN)),
)
"""Kinds of two neighbours with a cut between them."""
BEFORE = tuple((white, after) for white in WHITE for after in (*WORD, FOREIGN))
"""Kinds of two neighbours with a cut before both: the first is the last blank before a word."""


def find_cuts(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places where texts may be cut.

    Args:
        text: UTF-8 of several texts, one after the other: shape [bytes].
        ends: where texts end: shape [texts].

    Returns:
        The places in rising order, with 0, all ends of texts, and the end of all: shape [parts + 1]. If the last text goes on, it may not be cut at the
        end of all.
    """
    if not len(text):
        return np.zeros(1, dtype=np.int64)
    kinds = _KINDS[text]
    pairs = kinds[:-1] << 3 | kinds[1:]
    cut = np.zeros(len(text) + 1, dtype=bool)
    cut[1:-1] = _BETWEEN[pairs]
    before = _BEFORE[pairs]
    before[ends[(ends > 0) & (ends < len(text))] - 1] = False  # the neighbours belong to two texts
    cut[:-2] |= before
    cut[0] = cut[-1] = True
    cut[ends] = True
    return np.flatnonzero(cut)


def _kinds() -> NDArray[np.uint8]:
    found = np.full(256, OTHER, dtype=np.uint8)
    found[0x21:0x7F] = MARK
    # the first bytes of two, three and four, without those of blanks: U+0085 and U+00A0 begin with C2, the others with E1, E2 and E3
    found[[*range(0xC3, 0xE1), *range(0xE4, 0xF5)]] = FOREIGN
    for kind, characters in (
        (LETTER, b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        (DIGIT, b"0123456789"),
        (APOSTROPHE, b"'"),
        (SPACE, b" "),
        (BLANK, b"\t\n\r"),
    ):
        found[list(characters)] = kind
    return found


def _table(pairs: tuple[tuple[int, int], ...]) -> NDArray[Any]:
    found = np.zeros(64, dtype=bool)
    found[[before << 3 | after for before, after in pairs]] = True
    return found


_KINDS, _BETWEEN, _BEFORE = _kinds(), _table(BETWEEN), _table(BEFORE)
