"""The digests by which a document is recognised as one to forget.

A document has its id, and the digests of its texts in a coarse form: letters, digits and combining marks without case. So a forgotten text is
also found with other spacing or punctuation, with another target, and after the rules of cleaning changed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT_ID = re.compile("[0-9a-f]{24}")
"""The id of a document, as `pipeline.corpus.cleaning.records.document_id` makes it."""

NO_SIGNS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")


ASCII_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
"""The same for ASCII, twenty times as fast."""


def coarse(text: str) -> str:
    """Letters, digits and combining marks of a text, without case and compatibility forms (NFKC)."""
    if text.isascii():
        return text.lower().encode().translate(None, ASCII_SIGNS).decode()
    found: str = NO_SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())
    return found


def text_key(text: str) -> str:
    """Digest of the coarse form of a text, as 64 hexadecimal digits."""
    return _digest(coarse(text))


def input_key(text: str, pair: str | None) -> str:
    """Digest of a whole input: its text, or its two texts."""
    return text_key(text) if pair is None else _digest(f"{coarse(text)}\x00{coarse(pair)}")


def document_keys(text: str, pair: str | None) -> Iterator[str]:
    """Every digest of texts by which a document is recognised: of its text, of its second text, and of both together."""
    yield text_key(text)
    if pair is not None:
        yield text_key(pair)
        yield input_key(text, pair)


def _digest(text: str) -> str:
    return hashlib.sha256(f"forget\x00{text}".encode("utf-8", "surrogatepass")).hexdigest()
