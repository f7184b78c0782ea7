"""Source ``sql``: rows of a database, pinned by a high-water mark or by a checksum of the result.

With ``data.source.high_water`` the database divides the rows into parts of about `PART_ROWS`, in the order of that column. It gives the largest mark,
the number of rows and a checksum of each. Parts are the items of the pin. New rows have larger marks, so only the last parts change.

Without it, the rows are streamed once while the run is planned, and their checksum is the pin. The result is one item.

Of a source with partitions the name of an item begins with the key of its partition, so that the reader knows which query gave it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pipeline.sources.base import MissingSource, Pin, PinnedItem
from pipeline.sources.databases import snapshot
from pipeline.sources.left_out import NO_MARK, LeftOut
from pipeline.sources.sql_marks import RESULT, Part, as_mark
from pipeline.sources.sql_select import SqlRows, check_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings

IN_PARTITION = ": "
"""Between the key of a partition and the name of an item in it."""


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the rows of a query or table.

    Raises:
        MissingSource: there is no such SQLite file, or no row.
        BadInput: no such database, driver, table or column.
        Unavailable: the database does not answer.
    """
    with snapshot(source, settings) as connection:
        rows = SqlRows(source, connection)
        if source.high_water is None:
            return Pin(kind=source.kind, items=(_named(source, _result(rows, connection)),), root="")
        items = _parts(rows, connection, source.high_water)
        missing = connection.execute(rows.without_mark()).scalar_one()
    if not items:
        raise _empty(f" whose {source.high_water!r} is not NULL" if missing else "")
    left_out = (LeftOut(reason=NO_MARK, count=missing, example=f"{source.high_water} is NULL"),) if missing else ()
    # the name of a part has no folders
    return Pin(kind=source.kind, items=tuple(_named(source, item) for item in items), root="", left_out=left_out)


def _named(source: Source, item: PinnedItem) -> PinnedItem:
    """An item with its partition in its name."""
    return item.model_copy(update={"name": f"{source.partition}{IN_PARTITION}{item.name}"}) if source.partition else item


def _parts(rows: SqlRows, connection: Connection, high_water: str) -> list[PinnedItem]:
    items, after = list[PinnedItem](), None
    for found in connection.execute(rows.parts()):
        part = Part(after, as_mark(found[0], high_water), found[1], check_of(found))
        items.append(PinnedItem(name=part.name(high_water), revision=part.revision(), size=max(1, int(found[2] or 0))))
        after = part.upto
    return items


def _result(rows: SqlRows, connection: Connection) -> PinnedItem:
    """The whole result as an item."""
    digest = ResultDigest()
    for row in connection.execute(rows.read(None)):
        digest.add(row)
    if not digest.rows:
        raise _empty("")
    return PinnedItem(name="result", revision=digest.revision(), size=max(1, digest.size))


class ResultDigest:
    """The checksum of a result, row by row."""

    def __init__(self) -> None:
        """Before the first row."""
        self._digest = hashlib.sha256()
        self.rows = self.size = 0

    def add(self, row: Iterable[Any]) -> int:
        """Take a row; return its length."""
        data = json.dumps(list(row), default=_tagged, sort_keys=True).encode()
        self._digest.update(len(data).to_bytes(8) + data)
        self.rows += 1
        self.size += len(data)
        return len(data)

    def revision(self) -> str:
        """It as the revision of an item."""
        return f"{RESULT}{self.rows}:{self._digest.hexdigest()}"


def _tagged(value: Any) -> list[str]:  # noqa: ANN401 - whatever a driver gives
    """A value that JSON lacks, with its type: a date and its text are different values."""
    plain = value.hex() if isinstance(value, bytes | memoryview) else str(value)
    return [type(value).__name__, plain]


def _empty(which: str) -> MissingSource:
    return MissingSource(f"data.source: the query gives no row{which}", "at least one", "correct data.source.query or data.source.table")
