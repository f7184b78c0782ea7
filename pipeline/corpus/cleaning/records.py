"""The limits of ``data.filter``, and a record's texts once they are clean; the target is the task's business."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import regex

from pipeline.corpus.documents import Document
from pipeline.corpus.normalise import ASCII, without

if TYPE_CHECKING:
    from pipeline.recipe.data import Filter

NON_LETTERS = regex.compile(r"(?:[^\w\p{M}]|[\d_])+")
ASCII_LETTERS = bytes(code for code in range(128) if chr(code).isalpha() or chr(code).isspace())
"""Letters and whitespace; counted a hundred times as fast as by a regular expression."""
MAX_NAME_CHARS = 200
"""Names are cut to this many characters."""


class CleanRecord(NamedTuple):
    """The cleaned fields of a record, its target left out."""

    texts: tuple[str, ...]
    """The text; several where it was too long and was split."""

    pair: str | None
    name: str
    group: str

    def documents(self, target: str | None, image: bytes | None = None) -> list[Document]:
        """The documents with this target and image, one for each text; they share name and group."""
        pair = self.pair
        return [Document(document_id(text, pair, target, image), self.group, self.name, text, pair, target, image) for text in self.texts]


def filter_reason(text: str, rules: Filter) -> str | None:
    """Why a cleaned text is filtered by ``data.filter``; None if it is kept. A text that is cut or split is never too long."""
    most = rules.max_chars if rules.too_long in {None, "drop"} else len(text)
    reason = length_reason(text, rules.min_chars, most)
    return reason or ("few_letters" if letter_share(text) < rules.min_letters else None)


def letter_share(text: str) -> float:
    """Share of letters, their combining marks and whitespace among the characters of a text."""
    odd = "" if text.isascii() else without(text, ASCII)
    others = len(without(text, ASCII_LETTERS)) - len(odd)
    blanks = len(odd) - len("".join(odd.split()))
    return 1 - (others + len(odd) - blanks - len(NON_LETTERS.sub("", odd))) / len(text)


def document_id(text: str, pair: str | None, target: str | None, image: bytes | None = None) -> str:
    """Digest of a document's texts, target and image, 24 hexadecimal digits. Name and group do not count."""
    parts = [text, *(["\x01" + pair] if pair is not None else []), *([target] if target is not None else [])]
    if image is not None:
        parts.append("\x02" + hashlib.sha256(image).hexdigest())
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]


def length_reason(text: str, least: int, most: int) -> str | None:
    """``too_short``, ``too_long`` or None, by the number of characters."""
    return "too_short" if len(text) < least else "too_long" if len(text) > most else None
