"""Tokens as one text and back: single spaces between them, no-break spaces inside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.normalise import clean_line

if TYPE_CHECKING:
    from collections.abc import Iterable

INSIDE = "\u00a0"
EMPTY = "\ufffd"
"""Stands for a token without visible characters, so that each token keeps its tag."""


def join_tokens(tokens: Iterable[str]) -> str:
    """The text of cleaned tokens."""
    return " ".join(clean_line(token).replace(" ", INSIDE) or EMPTY for token in tokens)


def split_tokens(text: str) -> list[str]:
    """The tokens of a text of `join_tokens`."""
    return [token.replace(INSIDE, " ") for token in text.split(" ")]
