"""From a record to a document, or to the reason why it is left out."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Document
from pipeline.corpus.normalise import clean, clean_line

if TYPE_CHECKING:
    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Filter

OTHER = re.compile(r"[\W\d_]+")
NAME = 200
"""Longest name that is kept, in characters."""


def document(record: Record, rules: Filter) -> Document | str:
    """Clean a record and apply the filter.

    A target that is too short or too long is dropped, and the document keeps its text.

    Returns:
        The document, or why it is left out: ``"too_short"``, ``"too_long"``, ``"few_letters"``.
    """
    text = clean(record.text)
    reason = rejected(text, rules)
    if reason:
        return reason
    target = clean_line(record.target) if record.target else None
    if target is not None and not rules.min_target_chars <= len(target) <= rules.max_target_chars:
        target = None
    return Document(identity(text, target), clean_line(record.group), clean_line(record.name)[:NAME], text, target)


def rejected(text: str, rules: Filter) -> str | None:
    """Why a cleaned text is left out; None when it is kept."""
    if len(text) < rules.min_chars:
        return "too_short"
    if len(text) > rules.max_chars:
        return "too_long"
    if letters(text) < rules.min_letters:
        return "few_letters"
    return None


def letters(text: str) -> float:
    """Share of letters and white space among the characters of a text."""
    spaces = len(text) - len("".join(text.split()))
    return (len(OTHER.sub("", text)) + spaces) / len(text)


def identity(text: str, target: str | None) -> str:
    """Digest of what a document says, as 24 hexadecimal digits. Name and group do not count: the same text is the same text."""
    parts = [text] if target is None else [text, target]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]
