"""The file of ``trainshed forget --match``: which documents are meant, as ids or as texts.

A file that ends in ``.jsonl``, ``.ndjson`` or ``.json`` has a JSON value in each line: a text, or an object with ``id`` or ``text`` (and ``pair``, if
the input is two texts). Any other file has a text in each line; a line of 24 hexadecimal digits is an id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.erasure.keys import DOCUMENT_ID, coarse, input_key
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

JSON_ENDINGS = {".jsonl", ".ndjson", ".json"}
FORM = 'a text, or an object with "id" or "text"'


@dataclass
class Meant:
    """The documents that a person means. Each id and each digest leads to the place where it was asked for."""

    ids: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Digests of texts (`pipeline.erasure.keys`)."""

    served: list[str] = field(default_factory=list)
    """The texts, to search the log of served texts. They are never stored."""

    def add_id(self, one: str, where: str) -> None:
        """Add a document by its id.

        Raises:
            BadInput: it is no id.
        """
        if not DOCUMENT_ID.fullmatch(one):
            raise BadInput(
                f"{where}: {one[:60]!r} is no id of a document", "24 hexadecimal digits", "see `trainshed data sample CORPUS --match WORD`"
            )
        self.ids.setdefault(one, where)

    def add_text(self, text: str, pair: str | None, where: str) -> None:
        """Add every document with this input.

        Raises:
            BadInput: the text has nothing to recognise it by.
        """
        if not coarse(text):
            raise BadInput(f"{where}: a text without letters and digits", "the whole text of a document", "correct the file")
        self.texts.setdefault(input_key(text, pair), where)
        self.served += [text, *([pair] if pair else [])]


def read_match_file(path: Path) -> Meant:
    """Read the file.

    Raises:
        BadInput: it cannot be read, is empty, or a line is neither a text nor an id.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise BadInput(f"{path}: {(error.strerror or 'cannot be read').lower()}", "a file of texts or ids", "correct --match") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8", "a text file in UTF-8", "convert it") from error
    meant, plain = Meant(), path.suffix.lower() not in JSON_ENDINGS
    for number, line in enumerate(lines, start=1):
        where = f"{path.name} line {number}"
        if not line.strip():
            continue
        if plain:
            _add(meant, line.strip(), where)
        else:
            _add_json(meant, line, where)
    if not meant.ids and not meant.texts:
        raise BadInput(f"{path} is empty", "a text or an id in each line", "write one")
    return meant


def _add(meant: Meant, text: str, where: str) -> None:
    """Add a line of a plain file."""
    if DOCUMENT_ID.fullmatch(text):
        meant.add_id(text, where)
    else:
        meant.add_text(text, None, where)


def _add_json(meant: Meant, line: str, where: str) -> None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not JSON", FORM, "correct the file, or give it another ending than .jsonl") from error
    if isinstance(value, str):
        _add(meant, value.strip(), where)
        return
    one, text, pair = (value.get(name) for name in ("id", "text", "pair")) if isinstance(value, dict) else (None, None, None)
    if isinstance(one, str):
        meant.add_id(one, where)
    elif isinstance(text, str) and isinstance(pair, str | None):
        meant.add_text(text, pair, where)
    else:
        raise BadInput(f"{where} is {line.strip()[:40]}", FORM, "correct the file")
