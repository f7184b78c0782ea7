"""From the texts of a record to clean ones, or to the reason why it is filtered; the target is the task's business."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import regex

from pipeline.corpus.documents import Document, Quarantined
from pipeline.corpus.normalise import clean_line, clean_text

if TYPE_CHECKING:
    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Filter

NON_LETTERS = regex.compile(r"(?:[^\w\p{M}]|[\d_])+")
ASCII_LETTERS = bytes(code for code in range(128) if chr(code).isalpha() or chr(code).isspace())
"""Letters and whitespace; counted a hundred times as fast as by a regular expression."""
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


def clean_record(record: Record, rules: Filter, *, prose: bool = True) -> CleanRecord | Quarantined | str:
    """Clean the texts of a record and apply the filter.

    Args:
        record: what was read.
        rules: limits, and what happens to whitespace.
        prose: whether ``whitespace: auto`` collapses it; not for code, tables and conversations.

    Returns:
        The texts, why the record is quarantined, or why it is filtered: ``"too_short"``, ``"too_long"``, ``"few_letters"``.
    """
    if not isinstance(record.text, str):
        return Quarantined("the text is a list", record.where, str(record.text)[:MAX_NAME_CHARS])
    keep = keeps_whitespace(rules, prose=prose)
    text = clean_text(record.text, keep_whitespace=keep)
    pair = clean_text(record.pair, keep_whitespace=keep) if record.pair is not None else None
    reason = filter_reason(text, rules) or (_length_reason(pair, 1, rules.max_chars) if pair is not None else None)
    return reason or clean_names(record, text, pair)


def clean_names(record: Record, text: str, pair: str | None = None) -> CleanRecord:
    """The record with these texts, which are clean; its name and group are cleaned here."""
    return CleanRecord(text, pair, clean_line(record.name)[:MAX_NAME_CHARS], clean_line(record.group))


def keeps_whitespace(rules: Filter, *, prose: bool) -> bool:
    """Whether indentation and line structure are kept.

    Args:
        rules: the recipe's filter.
        prose: what ``auto`` goes by.
    """
    return rules.whitespace == "keep" or (rules.whitespace == "auto" and not prose)


def filter_reason(text: str, rules: Filter) -> str | None:
    """Why a cleaned text is filtered; None if it is kept."""
    reason = _length_reason(text, rules.min_chars, rules.max_chars)
    return reason or ("few_letters" if letter_share(text) < rules.min_letters else None)


def letter_share(text: str) -> float:
    """Share of letters, their combining marks and whitespace among the characters of a text."""
    if text.isascii():
        return 1 - len(text.encode().translate(None, ASCII_LETTERS)) / len(text)
    spaces = len(text) - len("".join(text.split()))
    return (len(NON_LETTERS.sub("", text)) + spaces) / len(text)


def document_id(text: str, pair: str | None, target: str | None) -> str:
    """Digest of a document's texts and target, 24 hexadecimal digits. Name and group do not count."""
    parts = [text, *(["\x01" + pair] if pair is not None else []), *([target] if target is not None else [])]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def _length_reason(text: str, least: int, most: int) -> str | None:
    return "too_short" if len(text) < least else "too_long" if len(text) > most else None
