"""The types of ingestion: records as read, records that could not be read, and documents as stored."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """One record of a source, as read."""

    text: str
    """The input of the model."""

    target: str | None = None
    """What the model learns to write, if anything."""

    name: str = ""
    """A short title of the text."""

    group: str = ""
    """The unit that is held out as a whole: package, author, site. Empty: never held out."""


class Quarantined(NamedTuple):
    """One record that could not be read."""

    reason: str
    """Why, in the same few words for all records with this problem."""

    where: str
    """File name and line."""

    excerpt: str = ""
    """Its beginning."""


class Document(NamedTuple):
    """One document of a corpus."""

    id: str
    """Digest of cleaned text and target, 24 hexadecimal digits; unique in a corpus."""

    group: str
    name: str
    text: str
    target: str | None
