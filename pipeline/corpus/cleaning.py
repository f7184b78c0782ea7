"""From the texts of a record to clean ones, or to the reason why it is filtered; the target is the task's business."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.documents import Document
from pipeline.corpus.normalise import clean_line, clean_text

if TYPE_CHECKING:
    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Filter

NON_LETTERS = re.compile(r"[\W\d_]+")
MAX_NAME_CHARS = 200
"""Names are cut to this many characters."""


class CleanRecord(NamedTuple):
    """The cleaned fields of a record, its target left out."""

    text: str
    pair: str | None
    name: str
    group: str

    def document(self, target: str | None) -> Document:
        """The document with this target."""
        return Document(document_id(self.text, self.pair, target), self.group, self.name, self.text, self.pair, target)


def clean_record(record: Record, rules: Filter) -> CleanRecord | str:
    """Clean the texts of a record and apply the filter.

    Returns:
        The texts, or why the record is filtered: ``"too_short"``, ``"too_long"``, ``"few_letters"``.
    """
    text = clean_text(record.text)
    pair = clean_text(record.pair) if record.pair is not None else None
    reason = filter_reason(text, rules) or (_length_reason(pair, 1, rules.max_chars) if pair is not None else None)
    return reason or CleanRecord(text, pair, clean_line(record.name)[:MAX_NAME_CHARS], clean_line(record.group))


def filter_reason(text: str, rules: Filter) -> str | None:
    """Why a cleaned text is filtered; None if it is kept."""
    reason = _length_reason(text, rules.min_chars, rules.max_chars)
    return reason or ("few_letters" if letter_share(text) < rules.min_letters else None)


def letter_share(text: str) -> float:
    """Share of letters and whitespace among the characters of a text."""
    spaces = len(text) - len("".join(text.split()))
    return (len(NON_LETTERS.sub("", text)) + spaces) / len(text)


def document_id(text: str, pair: str | None, target: str | None) -> str:
    """Digest of a document's texts and target, 24 hexadecimal digits. Name and group do not count."""
    parts = [text, *(["\x01" + pair] if pair is not None else []), *([target] if target is not None else [])]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def _length_reason(text: str, least: int, most: int) -> str | None:
    return "too_short" if len(text) < least else "too_long" if len(text) > most else None
