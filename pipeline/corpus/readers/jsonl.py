"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import check_fields, to_record, wanted
from pipeline.corpus.readers.opening import open_item
from pipeline.corpus.readers.read_progress import Meter
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Columns, Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

NAMES = 1000
"""Most field names that are remembered for the error message."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each line's record; blank lines are none.

    A field may be missing from some rows, but one that the recipe names and no row has is a mistake.

    Raises:
        BadInput: such a field; a compressed stream is broken.
        Unavailable: a file changed since it was planned.
    """
    meter = Meter(reporter, pin)
    missing, seen = set(wanted(source.columns)), set[str]()
    for item in pin.items:
        with open_item(item, settings, meter) as stream:
            for where, line in lines(stream, item.name.rpartition("/")[2]):
                row = _parsed(line, where)
                if isinstance(row, dict):
                    missing -= row.keys()
                    if len(seen) < NAMES:
                        seen |= row.keys()
                    yield to_record(row, source.columns, where)
                elif row:
                    yield row
    if seen:
        check_columns(source.columns, missing, seen)


def check_columns(columns: Columns, missing: set[str], seen: set[str]) -> None:
    """Refuse a field that the recipe names and no row had.

    Raises:
        BadInput: suggests the near name.
    """
    if missing:
        check_fields(columns, seen - missing, "the source")


def _parsed(line: str | Quarantined, where: str) -> dict[str, object] | Quarantined | None:
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
