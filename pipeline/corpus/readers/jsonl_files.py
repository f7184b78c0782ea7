"""JSON Lines files: one object per line. A file that holds one JSON array of objects is read element by element."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Fields, Quarantined
from pipeline.corpus.readers.encoding import as_utf8
from pipeline.corpus.readers.fields import MISSING, named_fields, nested_names, pick, to_record
from pipeline.corpus.readers.json_array import array_elements, is_array
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

MAX_NAMES = 1000
"""Field names that are kept for the error message."""
SAMPLE = 3
"""Rows whose inner fields are kept for it too."""


class _Twice(ValueError):
    """An object has a key twice."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined | Fields]:
    """Yield each line's record, or each element's of an array; blank lines are skipped. Last come the fields that the rows have.

    Raises:
        BadInput: an array that does not end; a compressed stream is broken.
        SourceChanged: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    missing, seen, sample = set(named_fields(source.columns)), set[str](), list[dict[str, Any]]()
    for item in pin.items:
        with open_item(item, settings, progress) as stream:
            name = item.name.rpartition("/")[2]
            text = as_utf8(stream, source.encoding)
            for where, line in array_elements(text, name) if is_array(text) else lines(text, name):
                row = parse(line, where)
                if isinstance(row, dict):
                    if missing:
                        missing = {column for column in missing if pick(row, column) is MISSING}
                    if len(seen) < MAX_NAMES:
                        seen |= row.keys()
                    if len(sample) < SAMPLE:
                        sample.append(row)
                    yield to_record(row, source.columns, where)
                elif row:
                    yield row
    if seen:
        absent = tuple(column for column in named_fields(source.columns) if column in missing)
        yield Fields(absent, tuple(sorted(seen.union(*map(nested_names, sample)))))


def parse(line: str | Quarantined, where: str) -> dict[str, Any] | Quarantined | None:
    """The object of a line, or why it cannot be read; None for a blank line."""
    if isinstance(line, Quarantined):
        return line
    if not line.strip():
        return None
    try:
        row = DECODER.decode(line)
    except _Twice as error:
        return Quarantined(str(error), where, line[:200])
    except (ValueError, RecursionError):
        return Quarantined("not JSON", where, line[:200])
    return row if isinstance(row, dict) else Quarantined("not a JSON object", where, line[:200])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys all differ: which of two values would be meant, nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("a key that stands twice in an object")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)
"""Made once: that of `json.loads` with a hook is made for each call, and takes twice as long."""
