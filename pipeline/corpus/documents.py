"""What flows through ingestion: records as they were read, what could not be read, and documents as they are kept."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """One record of a source, as it was read."""

    text: str
    """What a model reads."""

    target: str | None = None
    """What it learns to write, if anything."""

    name: str = ""
    """A short title of the text."""

    group: str = ""
    """What is held out as a whole: package, author, site. Empty: never held out."""


class Quarantined(NamedTuple):
    """One record that could not be read."""

    reason: str
    """Why, in a few words that are the same for all records of the kind."""

    where: str
    """File and line, without the folder the file lies in."""

    excerpt: str = ""
    """Its beginning."""


class Document(NamedTuple):
    """One document of a corpus."""

    id: str
    """Digest of cleaned text and target, 24 hexadecimal digits: equal documents have equal ids, and there is one of each."""

    group: str
    name: str
    text: str
    target: str | None
