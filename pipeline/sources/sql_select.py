"""The statements of a source ``sql``: which columns there are, what is pinned, and the rows in a fixed order.

The query of the recipe becomes a subquery, so nothing in it needs to be understood. Rows are ordered by the high-water column, then by the text
of all columns that are read: rows that are equal then may change places, and nobody can tell.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, and_, bindparam, case, column, func, literal, null, quoted_name, select, text
from sqlalchemy.types import Integer, NullType

from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.sql_source import plain_query
from pipeline.sources.sql_dialects import as_text, checksum, lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Select, TextClause

    from pipeline.recipe.data import Source
    from pipeline.sources.sql_marks import Part

PART_ROWS = 10_000
"""Rows of a part. Rows with equal marks are never in two parts."""
MAX_CHARS = 8_000_000
"""A row with more characters than this is counted as unreadable, and its values never leave the database."""


class SqlRows:
    """The rows of a source in a database."""

    def __init__(self, source: Source, connection: Connection) -> None:
        """Look at the columns.

        Args:
            source: query or table, columns, high-water column.
            connection: in a transaction.

        Raises:
            BadInput: a column is missing, or is there twice.
        """
        self.dialect = connection.dialect.name
        self._from = _from(source, connection)
        there = _columns(self._from, connection)
        self.names = _needed(source, there)
        """Columns that are read, in the order of the recipe's."""
        values: list[ColumnElement[Any]] = [column(quoted_name(name, quote=True)) for name in self.names]
        inside = [value.label(f"v{place}") for place, value in enumerate(values)]
        if source.high_water is not None:
            _check(source.high_water, there, "data.source.high_water:")
            inside.append(column(quoted_name(source.high_water, quote=True)).label("mark"))
        self._rows = select(*inside, lengths(values).label("chars")).select_from(self._from).subquery("measured")
        self._values = [self._rows.c[f"v{place}"] for place in range(len(values))]

    def parts(self) -> Select[Any]:
        """Rows of (largest mark, rows, characters, checksum): the parts, in their order. The database does the counting."""
        rank = func.rank(type_=Integer).over(order_by=self._rows.c.mark)
        ranked = select(self._rows, ((rank - 1) // PART_ROWS).label("part")).where(self._rows.c.mark.is_not(None)).subquery("ranked")
        values = [ranked.c[value.name] for value in self._values]
        found = select(func.max(ranked.c.mark), *self._measures(ranked.c.chars, values))
        return found.group_by(ranked.c.part).order_by(ranked.c.part)

    def without_mark(self) -> Select[Any]:
        """Number of rows whose high-water column is NULL."""
        return select(func.count()).select_from(self._rows).where(self._rows.c.mark.is_(None))

    def measure(self, part: Part) -> Select[Any]:
        """Rows, characters and checksum of a part as it is now."""
        return select(*self._measures(self._rows.c.chars, self._values)).where(self._between(part))

    def read(self, part: Part | None) -> Select[Any]:
        """Rows of (whether it is too long, its mark if there is a part, its values) in a fixed order; without a part, all rows."""
        too_long = self._rows.c.chars > MAX_CHARS
        values = [case((too_long, null()), else_=value) for value in self._values]
        order = [as_text(value) for value in self._values]
        flag = case((too_long, 1), else_=0)
        if part is None:
            return select(flag, *values).order_by(*order)
        return select(flag, self._rows.c.mark, *values).where(self._between(part)).order_by(self._rows.c.mark, *order)

    def _measures(self, chars: ColumnElement[Any], values: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        check = checksum(self.dialect, values)
        return [func.count(), func.sum(chars), literal("") if check is None else check]

    def _between(self, part: Part) -> ColumnElement[bool]:
        upto = self._rows.c.mark <= _bound("upto", part.upto)
        return upto if part.after is None else and_(self._rows.c.mark > _bound("after", part.after), upto)


def check_of(row: Sequence[Any]) -> str:
    """Characters and checksum, the last columns of `SqlRows.parts` and `SqlRows.measure`, as the pin has them."""
    chars, digest = row[-2:]
    return f"{int(chars or 0)}:{digest}"


def _bound(name: str, value: Any) -> BindParameter[Any]:  # noqa: ANN401 - any mark
    """A mark in a statement, as the driver's own type: SQLAlchemy would turn a text into a VARCHAR, which compares with no UUID."""
    return bindparam(name, value, type_=NullType())


def _from(source: Source, connection: Connection) -> TextClause:
    """The query as a subquery. A colon in it begins no parameter of ours."""
    if source.table:
        quote = connection.dialect.identifier_preparer.quote
        return text(".".join(map(quote, source.table.split("."))))
    query = re.sub(r":(?=\w)", r"\\:", plain_query(source.query or ""))
    # the query may end in a comment
    return text(f"(\n{query}\n) source_rows")


def _columns(rows: TextClause, connection: Connection) -> list[str]:
    """The names of the columns, also those that are there twice."""
    with connection.execute(select(text("*")).select_from(rows).where(text("1 = 0"))) as result:
        assert result.cursor is not None  # noqa: S101 - a SELECT has one
        names = [str(row[0]) for row in result.cursor.description]
    # SQLite calls the second column of a name `name:1`
    return [name.rpartition(":")[0] if name.rpartition(":")[0] in names else name for name in names]


def _needed(source: Source, there: Sequence[str]) -> list[str]:
    """The columns that hold the recipe's fields; a dotted path begins with one."""
    found: dict[str, None] = {}
    for name in vars(source.columns).values():
        if name is not None:
            first = name if name in there else name.partition(".")[0]
            _check(first, there, "data.source.columns:", name)
            found[first] = None
    return list(found)


def _check(name: str, there: Sequence[str], field: str, said: str | None = None) -> None:
    """Refuse a column that is missing, or is there twice."""
    times = Counter(there)[name]
    if not times:
        raise unknown_name(f"column of the query in {field}", said or name, there)
    if times > 1:
        raise BadInput(f"the query has two columns {name!r}", "", "rename one of them with AS")
