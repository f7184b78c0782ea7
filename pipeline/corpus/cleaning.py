"""From a record to a document, or to the reason why it is filtered."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Document
from pipeline.corpus.normalise import clean_line, clean_text

if TYPE_CHECKING:
    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Filter

NON_LETTERS = re.compile(r"[\W\d_]+")
MAX_NAME_CHARS = 200
"""Names are cut to this many characters."""


def clean_record(record: Record, rules: Filter) -> Document | str:
    """Clean a record and apply the filter.

    A target that is too short or too long is dropped, and the document keeps its text.

    Returns:
        The document, or why it is filtered: ``"too_short"``, ``"too_long"``, ``"few_letters"``.
    """
    text = clean_text(record.text)
    reason = filter_reason(text, rules)
    if reason:
        return reason
    target = clean_line(record.target) if record.target else None
    if target is not None and not rules.min_target_chars <= len(target) <= rules.max_target_chars:
        target = None
    return Document(document_id(text, target), clean_line(record.group), clean_line(record.name)[:MAX_NAME_CHARS], text, target)


def filter_reason(text: str, rules: Filter) -> str | None:
    """Why a cleaned text is filtered; None if it is kept."""
    if len(text) < rules.min_chars:
        return "too_short"
    if len(text) > rules.max_chars:
        return "too_long"
    if letter_share(text) < rules.min_letters:
        return "few_letters"
    return None


def letter_share(text: str) -> float:
    """Share of letters and whitespace among the characters of a text."""
    spaces = len(text) - len("".join(text.split()))
    return (len(NON_LETTERS.sub("", text)) + spaces) / len(text)


def document_id(text: str, target: str | None) -> str:
    """Digest of a document's text and target, 24 hexadecimal digits. Name and group do not count."""
    parts = [text] if target is None else [text, target]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]
