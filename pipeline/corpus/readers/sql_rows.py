"""Rows of a database, at the revision of a pin (`pipeline.sources.sql`).

A part is measured first, in the transaction that then reads it. So rows that were changed, removed or added below a mark since the plan are found
before the first of them is used. A whole result is compared with its checksum when its last row was read.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.errors import SourceChanged
from pipeline.recipe.partitions import source_at
from pipeline.sources.databases import snapshot
from pipeline.sources.sql import IN_PARTITION, ResultDigest
from pipeline.sources.sql_marks import Part
from pipeline.sources.sql_select import SqlRows, check_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem

TOO_LONG = "a row above 8 MB"
WHOLE = 1 << 53
"""Numbers below it are exact as floating-point numbers."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: the database refuses the query, or lacks a column.
        SourceChanged: rows changed since they were planned.
        Unavailable: the database does not answer.
    """
    progress = ReadProgress(reporter, pin)
    for key, items in groupby(pin.items, lambda item: item.name.partition(IN_PARTITION)[0] if source.partitions else ""):
        one = source_at(source, key) if key else source
        with snapshot(one, settings) as connection:
            rows = SqlRows(one, connection)
            inner = _json_columns(one, rows.names)
            for item in items:
                mark = one.high_water
                found = _part(rows, connection, item, mark, progress) if mark else _result(rows, connection, item, progress)
                for where, too_long, values in found:
                    if too_long:
                        yield Quarantined(TOO_LONG, where, "")
                    else:
                        row = {name: _plain(value, parse=name in inner) for name, value in zip(rows.names, values, strict=True)}
                        yield to_record(row, one.columns, where)


def _part(
    rows: SqlRows, connection: Connection, item: PinnedItem, column: str, progress: ReadProgress
) -> Iterator[tuple[str, int, Sequence[Any]]]:
    """Place, whether it is too long, and values of each row of a part."""
    part = Part.of(item.revision)
    now = connection.execute(rows.measure(part)).one()
    if (now[0], check_of(now)) != (part.rows, part.check):
        how = f"{now[0]} rows instead of {part.rows}" if now[0] != part.rows else "other values"
        raise _changed(item, how, "let high_water be a column that grows with each change, or leave out rows that still change")
    progress.report()
    for number, (too_long, mark, *values) in enumerate(connection.execute(rows.read(part)), start=1):
        if number % 100 == 0:
            progress.report()
        yield f"{column}={mark}", too_long, values
    progress.add(item.size)


def _result(rows: SqlRows, connection: Connection, item: PinnedItem, progress: ReadProgress) -> Iterator[tuple[str, int, Sequence[Any]]]:
    """The same of a whole result."""
    digest = ResultDigest()
    for row in connection.execute(rows.read(None)):
        progress.add(digest.add(row))
        too_long, *values = row
        yield f"row {digest.rows}", too_long, values
    if digest.revision() != item.revision:
        raise _changed(item, "the result is different", "run the recipe when nothing writes to it, or set data.source.high_water")


def _changed(item: PinnedItem, how: str, fix: str) -> SourceChanged:
    return SourceChanged(f"the rows of {item.name} changed since they were planned ({how})", "the planned rows", fix)


def _json_columns(source: Source, names: Sequence[str]) -> set[str]:
    """Columns of which a dotted path names a field: their text is JSON, where the database has no type for it."""
    said = {name for name in vars(source.columns).values() if name is not None and name not in names}
    return {name.partition(".")[0] for name in said}


def _plain(value: Any, *, parse: bool) -> Any:  # noqa: ANN401 - whatever a driver gives
    """A value as a row of a file would have it: times as ISO 8601, exact numbers as numbers."""
    if parse and isinstance(value, str | bytes):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, memoryview):
        return value.tobytes()
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() and abs(value) < WHOLE else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | timedelta) else value
