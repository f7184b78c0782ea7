"""The columns of requests and answers of a served model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.corpus.documents import Document
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner


class Column(NamedTuple):
    """One column of a request or an answer."""

    name: str
    type: Literal["string", "double", "strings", "doubles", "vector", "messages"] = "string"
    """A text, a number, a list of texts, numbers by name, a list of numbers, or a list of messages with role and content."""

    required: bool = True


TEXT, NAME, PAIR = Column("text"), Column("name", required=False), Column("pair", required=False)


def input_document(row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
    """The document of a request's row, cleaned as ingestion cleans its own; what is missing or None is empty.

    Raises:
        BadInput: a column holds something else than text.
    """
    text, name, pair = (cell_text(row, column.name) for column in (TEXT, NAME, PAIR))
    cleaned, second = (cleaner.text(value) for value in (text, pair))
    return Document("", "", cleaner.line(name), cleaned, second or None, None)


def cell_text(row: Mapping[str, Any], name: str) -> str:
    """A cell as text; empty if it is missing or None.

    Raises:
        BadInput: it holds something else.
    """
    value = row.get(name)
    # pandas gives NaN for a missing cell
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise BadInput(f"column {name} holds {value!r:.60}", "text", "correct the request")
    return value
