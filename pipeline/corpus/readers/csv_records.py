"""Splitting CSV into records, so that a broken one never becomes several.

Python's `csv` stops in the middle of a field that is too long or quoted wrongly, and takes the next line, still inside that field,
for a record. Here the quotes are followed first, and `csv` gets whole records only:

- A record that is too long is lost alone. Only its end is looked for, so memory is bounded.
- Behind a quote that is not doubled, a record ends at the line end where the number of its quotes is even, or before a line that is
  a record by itself, with fields in quotes.
- A quote that is never closed may have swallowed records. Each line that looks like one counts as lost.
"""

from __future__ import annotations

import csv
import re
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, NamedTuple

from pipeline.corpus.readers import text_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 20
"""Bytes of a line that are looked at together."""
EXCERPT = 200


class CsvRecord(NamedTuple):
    """One record as the file has it."""

    line: int
    """Number of its first line."""

    data: bytes
    """All of it; of one that cannot be read only the beginning."""

    problem: str | None = None
    """Why it cannot be a record."""

    lines: int = 1
    """How many lines of it look like records: more than one if a quote may have swallowed others."""


class _State(Enum):
    """Where in a record a piece ends."""

    START = auto()
    """Before a field."""
    PLAIN = auto()
    """Inside a field without quotes."""
    QUOTED = auto()
    """Inside quotes."""
    AFTER = auto()
    """Behind a quote that ends the field, or is the first of two that stand for one."""


class _Open:
    """A record whose end has not been read."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.kept: list[bytes] = []
        self.size = self.quotes = self.alike = 0
        self.state = _State.START
        self.malformed = False

    def add(self, piece: bytes, quotes: int) -> None:
        self.size += len(piece)
        self.quotes += quotes
        if self.size <= text_lines.MAX_LINE_BYTES or not self.kept:
            self.kept.append(piece)

    @property
    def ended(self) -> bool:
        """Whether the record ends at a line end here."""
        return self.quotes % 2 == 0 if self.malformed else self.state is not _State.QUOTED

    def closed(self) -> CsvRecord:
        """The record."""
        if self.malformed:
            return self.broken("text behind a closing quote")
        if self.state is _State.QUOTED:
            return self.broken("a quote that is never closed")
        if self.size > text_lines.MAX_LINE_BYTES:
            return self.broken(f"longer than {text_lines.MAX_LINE_BYTES >> 20} MB")._replace(lines=1)
        return CsvRecord(self.line, b"".join(self.kept), lines=1 + self.alike)

    def broken(self, problem: str) -> CsvRecord:
        """The record as one that cannot be read."""
        return CsvRecord(self.line, self.kept[0][:EXCERPT], problem, 1 + self.alike)


class CsvRecords:
    """The records of a stream; iterate once."""

    def __init__(self, stream: IO[bytes], first: bytes, delimiter: str, quote: str) -> None:
        """Start before the first record.

        Args:
            stream: UTF-8, behind ``first``.
            first: the beginning of the file, at most one line.
            delimiter: one ASCII character.
            quote: one ASCII character; empty if there are no quotes.
        """
        self._stream, self._first = stream, first
        self._delimiter, self._quote = delimiter.encode(), quote.encode()
        sign, end = re.escape(self._delimiter), re.escape(self._quote)
        self._ends = re.compile(b"[\r\n" + sign + b"]")
        field = b"(?:%b(?:[^%b]|%b%b)*+%b|[^%b%b]*+)" % (end, end, end, end, end, end, sign) if quote else b"[^%b]*+" % sign
        self._proper = re.compile(b"%b(?:%b%b)*+" % (field, sign, field), re.DOTALL)
        self.columns = 0
        """Fields of the header: a line of as many fields looks like a record."""

    def __iter__(self) -> Iterator[CsvRecord]:
        number, at_line = 0, True
        current: _Open | None = None
        piece = self._first or self._stream.readline(PIECE)
        while piece:
            ends = piece.endswith(b"\n")
            number += at_line
            quotes = piece.count(self._quote) if self._quote else 0
            if current is None and ends and (not quotes or self._proper.fullmatch(piece.rstrip(b"\r\n"))):
                yield CsvRecord(number, piece)
            else:
                if current is not None and at_line:
                    if self._goes_on(current, piece):
                        current.alike += piece.count(self._delimiter) + 1 == self.columns
                    else:
                        yield current.closed()
                        current = None
                current = current or _Open(number)
                if quotes or current.state is not _State.QUOTED:
                    self._advance(current, piece)
                current.add(piece, quotes)
                if ends and current.ended:
                    yield current.closed()
                    current = None
            at_line = ends
            piece = self._stream.readline(PIECE)
        if current is not None:
            yield current.closed()

    def _goes_on(self, current: _Open, line: bytes) -> bool:
        """Whether a line belongs to the open record. Notes that the record is malformed where the line shows it."""
        if not self._quote or self._quote not in line or not self._alone(line):
            return True
        if not current.malformed and current.state is _State.QUOTED:
            probe = _Open(current.line)
            probe.state = current.state
            self._advance(probe, line)
            current.malformed = probe.malformed
        return not current.malformed

    def _alone(self, line: bytes) -> bool:
        """Whether a line is a record by itself, with all quotes where they belong."""
        text = line.rstrip(b"\r\n")
        if self._proper.fullmatch(text) is None:
            return False
        try:
            row = next(
                csv.reader([text.decode("utf-8", "replace")], delimiter=self._delimiter.decode(), quotechar=self._quote.decode()), []
            )
        except csv.Error:
            return False
        return len(row) == self.columns

    def _advance(self, current: _Open, piece: bytes) -> None:
        """Follow the quotes of a piece."""
        state, place, size = current.state, 0, len(piece)
        quote = self._quote[0] if self._quote else -1
        while place < size:
            if state is _State.QUOTED:
                found = piece.find(self._quote, place)
                if found < 0:
                    break
                state, place = _State.AFTER, found + 1
                continue
            if state is not _State.PLAIN and piece[place] == quote:
                state, place = _State.QUOTED, place + 1
                continue
            end = self._ends.search(piece, place)
            if state is _State.AFTER and (end is None or end.start() > place):
                current.malformed = True
            if end is None:
                state = _State.PLAIN
                break
            state, place = _State.START, end.end()
        current.state = state
