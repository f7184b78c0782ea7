"""Texts above ``data.filter.max_chars``: cut, or split into parts, at the best boundary near the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from pipeline.recipe.data import Filter

BOUNDARIES = tuple(map(regex.compile, (r"\n\n+", r"\n", r"(?<=[\p{Sentence_Terminal}])\s+", r"\s+")))
"""Between paragraphs, lines, sentences and words: the first kind that occurs in the second half of a piece decides."""


def fit(text: str, rules: Filter) -> tuple[str, ...]:
    """The text as the recipe wants it: itself if it is short enough, else its beginning, or its parts.

    Args:
        text: a cleaned text.
        rules: ``max_chars`` and ``too_long``. Parts are at least ``min_chars`` long, unless the limits leave no room for it.
    """
    if len(text) <= rules.max_chars or rules.too_long in {None, "drop"}:
        return (text,)
    if rules.too_long == "cut":
        return (text[: boundary(text, rules.max_chars)].rstrip(),)
    parts: list[str] = []
    rest = text
    while len(rest) > rules.max_chars:
        # the last two parts share what is left, so that none is too short
        room = rules.max_chars if len(rest) - rules.max_chars >= rules.min_chars else max(len(rest) - rules.min_chars, 1)
        end = boundary(rest, room)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip("\n ") or rest[end:].strip()
    return tuple(part for part in (*parts, rest) if part.strip())


def boundary(text: str, most: int) -> int:
    """Where to end a piece of ``text``: at most ``most`` characters, between paragraphs, lines, sentences or words if possible."""
    for pattern in BOUNDARIES:
        ends = [found.start() for found in pattern.finditer(text, most // 2, most + 1) if 0 < found.start() <= most]
        if ends:
            return int(ends[-1])
    return most
