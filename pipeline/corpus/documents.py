"""The types of ingestion: records as read, records that could not be read or are no examples, and documents as stored."""

from __future__ import annotations

from typing import Any, NamedTuple


class Record(NamedTuple):
    """One record of a source, as read."""

    text: Any
    """The input of the model: a text, or a list where the task takes one, e.g. of tokens."""

    target: Any = None
    """What the model learns to answer, if anything: a text, a label, a list, or another JSON value. The task decides what is valid."""

    name: str = ""
    """A short title of the text."""

    group: str = ""
    """The unit that is held out as a whole: package, author, site. Empty: never held out."""

    pair: str | None = None
    """The second text of the input, where the input is two texts."""

    where: str = ""
    """File name and line, for a record that turns out to be unusable."""

    license: str | None = None
    """Its license, where the source says it."""

    image: Any = None
    """The bytes of its image file, where the recipe names one; until the file is read, its name."""


class Quarantined(NamedTuple):
    """One record that could not be read."""

    reason: str
    """Why, in the same few words for all records with this problem."""

    where: str
    """File name and line."""

    excerpt: str = ""
    """Its beginning."""


class Filtered(NamedTuple):
    """One record that can be read and is no example, e.g. a message that nobody translated."""

    reason: str
    """Why, in one word; counted as ``filtered_<reason>``."""


class Fields(NamedTuple):
    """The fields that the rows of some items have; a reader yields it after their last row. The same fields may be missing from other items."""

    absent: tuple[str, ...]
    """Fields that the recipe names and no row has."""

    seen: tuple[str, ...]
    """Names of fields that rows have, for a suggestion."""


class Document(NamedTuple):
    """One document of a corpus."""

    id: str
    """Digest of cleaned texts, target and image, 24 hexadecimal digits; unique in a split."""

    group: str
    name: str
    text: str

    pair: str | None
    """The second text of the input; None for an input of one text."""

    target: str | None
    """The answer in the task's form: a text, a label, a JSON list of labels, a number; None without answer."""

    image: bytes | None = None
    """The pixels of its image, RGB, row by row, a square (`pipeline.corpus.images`); None for a task without images."""
