"""CSV files with a header line, quoted as in RFC 4180; fields are separated by comma, semicolon, tab or bar, as the header shows."""

from __future__ import annotations

import csv
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import check_fields, named_fields, to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Columns, Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

DELIMITERS = (",", ";", "\t", "|")
MAX_FIELD_CHARS = 1 << 20
"""Longest field, in characters: limits what an unclosed quote swallows."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file's header lacks a field the recipe names; a compressed stream is broken.
        Unavailable: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    csv.field_size_limit(MAX_FIELD_CHARS)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, progress) as stream:
            good_lines = _GoodLines(lines(stream, name))
            first = next(iter(good_lines), "")
            rows = csv.reader(chain([first], good_lines), strict=True, delimiter=_delimiter(first, source.columns))
            header = next(_rows(rows, good_lines), None)
            check_fields(source.columns, header if isinstance(header, list) else [], name)
            for row in _rows(rows, good_lines):
                if isinstance(row, Quarantined):
                    yield row
                elif len(row) != len(header or ()):
                    yield Quarantined("another number of fields than the header", good_lines.where, ",".join(row)[:200])
                else:
                    yield to_record(dict(zip(header or (), row, strict=True)), source.columns, good_lines.where)


def _delimiter(header: str, columns: Columns) -> str:
    """The separator by which the header holds all fields that the recipe names; a comma if none does."""
    wanted = set(named_fields(columns))
    for sign in DELIMITERS:
        with suppress(csv.Error):
            if wanted <= set(next(csv.reader([header], delimiter=sign), ())):
                return sign
    return ","


class _GoodLines:
    """Passes good lines to the parser and collects the bad ones."""

    def __init__(self, source: Iterator[tuple[str, str | Quarantined]]) -> None:
        self.source, self.where = source, ""
        self.bad: list[Quarantined] = []

    def __iter__(self) -> Iterator[str]:
        for where, line in self.source:
            self.where = where
            if isinstance(line, Quarantined):
                self.bad.append(line)
            else:
                yield line + "\n"


def _rows(parser: Iterator[list[str]], good_lines: _GoodLines) -> Iterator[list[str] | Quarantined]:
    """Parsed rows without blank ones, and unreadable rows, in order."""
    while True:
        try:
            row = next(parser, None)
        except csv.Error as error:
            row = []
            good_lines.bad.append(Quarantined(f"not CSV: {error}", good_lines.where))
        yield from good_lines.bad
        good_lines.bad.clear()
        if row is None:
            return
        if row:
            yield row
