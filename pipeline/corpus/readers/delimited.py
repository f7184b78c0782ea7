"""CSV with a header line, separated by commas, quoted as RFC 4180 says."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import check_fields, to_record
from pipeline.corpus.readers.opening import open_item
from pipeline.corpus.readers.read_progress import Meter
from pipeline.corpus.readers.text_lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

LONGEST_FIELD = 1 << 20
"""Longest field, in characters: a quote that is never closed swallows no more than this."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file's header lacks a field the recipe names; a compressed stream is broken.
        Unavailable: a file changed since it was planned.
    """
    meter = Meter(reporter, pin)
    csv.field_size_limit(LONGEST_FIELD)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, meter) as stream:
            feed = _Feed(lines(stream, name))
            rows = csv.reader(feed, strict=True)
            header = next(_rows(rows, feed), None)
            check_fields(source.columns, header if isinstance(header, list) else [], name)
            for row in _rows(rows, feed):
                if isinstance(row, Quarantined):
                    yield row
                elif len(row) != len(header or ()):
                    yield Quarantined("another number of fields than the header", feed.where, ",".join(row)[:200])
                else:
                    yield to_record(dict(zip(header or (), row, strict=True)), source.columns, feed.where)


class _Feed:
    """Hands good lines to the parser and keeps the bad ones aside."""

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


def _rows(parser: Iterator[list[str]], feed: _Feed) -> Iterator[list[str] | Quarantined]:
    """Parsed rows without the blank ones, and what could not be read, in order."""
    while True:
        try:
            row = next(parser, None)
        except csv.Error as error:
            row = []
            feed.bad.append(Quarantined(f"not CSV: {error}", feed.where))
        yield from feed.bad
        feed.bad.clear()
        if row is None:
            return
        if row:
            yield row
