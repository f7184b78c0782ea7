"""JSON Lines files: one object per line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import check_fields, named_fields, to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.text_lines import lines
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Columns, Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

ARRAY = re.compile(r"\s*\[\s*(\{|$)")
MAX_NAMES = 1000
"""Field names that are kept for the error message."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each line's record; blank lines are skipped.

    A field may be missing from some rows. A field that the recipe names and no row has is an error.

    Raises:
        BadInput: such a field; a file that holds one JSON array; a compressed stream is broken.
        Unavailable: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    missing, seen = set(named_fields(source.columns)), set[str]()
    for item in pin.items:
        with open_item(item, settings, progress) as stream:
            name = item.name.rpartition("/")[2]
            for number, (where, line) in enumerate(lines(stream, name)):
                row = _parse(line, where)
                if number == 0 and isinstance(row, Quarantined):
                    _check_array(row.excerpt, name)
                if isinstance(row, dict):
                    missing -= row.keys()
                    if len(seen) < MAX_NAMES:
                        seen |= row.keys()
                    yield to_record(row, source.columns, where)
                elif row:
                    yield row
    if seen:
        check_missing(source.columns, missing, seen)


def check_missing(columns: Columns, missing: set[str], seen: set[str]) -> None:
    """Refuse a field that the recipe names and no row has.

    Raises:
        BadInput: suggests the near name.
    """
    if missing:
        check_fields(columns, seen - missing, "the source")


def _check_array(beginning: str, name: str) -> None:
    """Refuse a file whose first line begins an array of objects, on one line or on several.

    Raises:
        BadInput: says how to convert it.
    """
    if ARRAY.match(beginning):
        raise BadInput(f"{name} holds one JSON array", "one object per line", f"convert it, e.g. jq -c '.[]' {name}")


def _parse(line: str | Quarantined, where: str) -> dict[str, object] | Quarantined | None:
    """The object of a line; None for a blank one."""
    if isinstance(line, Quarantined):
        return line
    if not line.strip():
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Quarantined("not JSON", where, line[:200])
    return row if isinstance(row, dict) else Quarantined("not a JSON object", where, line[:200])
