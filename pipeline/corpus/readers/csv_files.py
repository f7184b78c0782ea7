"""CSV files with a header line, quoted as in RFC 4180.

Fields are separated by comma, semicolon, tab or bar, and quoted by ``"`` or ``'``, as the header shows. The recipe may say both.
"""

from __future__ import annotations

import csv
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers import text_lines
from pipeline.corpus.readers.csv_records import PIECE, CsvRecord, CsvRecords
from pipeline.corpus.readers.encoding import as_utf8
from pipeline.corpus.readers.fields import check_fields, named_fields, to_record
from pipeline.corpus.readers.open_item import open_item
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'")


class Dialect(NamedTuple):
    """How the fields of a file are separated and quoted."""

    delimiter: str
    quote: str
    """Empty if fields are not quoted."""

    def fields(self, text: str) -> list[str]:
        """The fields of one record.

        Raises:
            csv.Error: it is not CSV.
        """
        text = text.rstrip("\r\n")
        if not self.quote or self.quote not in text:
            return text.split(self.delimiter) if text else []
        return next(csv.reader([text], strict=True, delimiter=self.delimiter, quotechar=self.quote), [])


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file's header lacks a field the recipe names, or has it twice; a compressed stream is broken.
        SourceChanged: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    csv.field_size_limit(text_lines.MAX_LINE_BYTES)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        with open_item(item, settings, progress) as stream:
            text = as_utf8(stream, source.encoding)
            first = text.readline(PIECE)
            dialect = _dialect(first.decode("utf-8", "replace"), source)
            records = CsvRecords(text, first, *dialect)
            header: list[str] = []
            for record in records:
                row = _row(record, dialect, name)
                if not row:  # a blank line
                    continue
                if isinstance(row, Quarantined):
                    yield from _lost(record, row)
                elif not header:
                    _check_header(row, source, name)
                    header, records.columns = row, len(row)
                elif len(row) != len(header):
                    yield from _lost(
                        record, Quarantined("another number of fields than the header", _place(record, name), ",".join(row)[:200])
                    )
                else:
                    yield to_record(dict(zip(header, row, strict=True)), source.columns, _place(record, name))
            if not header:
                raise BadInput(f"{name} has no line that can be read", "a header line", "correct the file")


def _check_header(header: list[str], source: Source, name: str) -> None:
    """Refuse a header that lacks a field the recipe names.

    Raises:
        BadInput: such a field; the near name is suggested, or the setting by which the header may be read.
    """
    if len(header) == 1 and header[0] not in named_fields(source.columns):
        wanted = ", ".join(named_fields(source.columns))
        raise BadInput(
            f"the header of {name} is one field: {header[0][:80]!r}", wanted, "set data.source.delimiter, or correct data.source.columns"
        )
    check_fields(source.columns, header, name)


def _dialect(header: str, source: Source) -> Dialect:
    """The separator and quote by which the header holds all fields that the recipe names; else those by which it has most fields."""
    wanted = set(named_fields(source.columns))
    delimiters = DELIMITERS if source.delimiter is None else (source.delimiter,)
    quotes = QUOTES if source.quote is None else (source.quote,)
    best, most = Dialect(delimiters[0], quotes[0]), 0
    for dialect in (Dialect(delimiter, quote) for quote in quotes for delimiter in delimiters if delimiter != quote):
        with suppress(csv.Error):
            fields = dialect.fields(header)
            if wanted <= set(fields):
                return dialect
            if len(fields) > most:
                best, most = dialect, len(fields)
    return best


def _row(record: CsvRecord, dialect: Dialect, name: str) -> list[str] | Quarantined:
    """The fields of a record; none of a blank line."""
    where = _place(record, name)
    if record.problem:
        return Quarantined(f"not CSV: {record.problem}", where, record.data.decode("utf-8", "replace"))
    try:
        text = record.data.decode("utf-8")
        return dialect.fields(text)
    except UnicodeDecodeError as error:
        return text_lines.not_utf8(where, error)
    except csv.Error as error:
        return Quarantined(f"not CSV: {error}", where, text[:200])


def _lost(record: CsvRecord, why: Quarantined) -> Iterator[Quarantined]:
    """A record that cannot be used, and the lines that a wrong quote in it may have swallowed: each may have been a record."""
    yield why
    for _ in range(record.lines - 1):
        yield Quarantined("inside a broken CSV record", why.where)


def _place(record: CsvRecord, name: str) -> str:
    return f"{name}:{record.line}"
