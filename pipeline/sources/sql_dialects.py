"""What differs between databases: how a transaction sees one state and writes nothing, and how they compute a checksum of rows.

A database that this module does not know reads in an ordinary transaction, which is rolled back. Its rows are then checked by their number and
lengths only.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, LargeBinary, Text, cast, func, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement

NOTHING = "n"
VALUE = "v"
"""Before a value, so that NULL and an empty text differ."""
SEPARATOR = "\x1f"
HEX_DIGITS = 15
"""Of a row's MD5 that count: 60 bits, so that a sum of them is a number of every database."""


class Reading(NamedTuple):
    """How a transaction starts."""

    execution: Mapping[str, Any] = {}
    """SQLAlchemy's options of the connection."""

    statements: tuple[str, ...] = ()
    """What is said first."""


READING = {
    "sqlite": Reading(statements=("BEGIN",)),
    # the text of a value depends on these settings, and the scheduler's may differ from a worker's
    "postgresql": Reading(
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        ("SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO'", "SET LOCAL bytea_output = 'hex'", "SET LOCAL extra_float_digits = 1"),
    ),
}


class Checksum:
    """An aggregate function of SQLite: the sum of the digests of rows, whatever their order."""

    name = "trainshed_checksum"

    def __init__(self) -> None:
        """Start at zero."""
        self._sum = 0

    def step(self, *values: bytes | None) -> None:
        """Add a row."""
        digest = hashlib.sha256()
        for value in values:
            digest.update(b"n" if value is None else b"v%d:%b" % (len(value), value))
        self._sum = (self._sum + int.from_bytes(digest.digest()[:8])) % (1 << 64)

    def finalize(self) -> str:
        """The sum, as hexadecimal digits."""
        return f"{self._sum:016x}"


def start_reading(dialect: str) -> Reading:
    """How a transaction of this dialect starts."""
    return READING.get(dialect, Reading())


def as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as text, by which any type can be ordered."""
    return cast(column, Text)


def lengths(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    """Characters of a row."""
    total: ColumnElement[Any] = literal(0)
    for column in columns:
        total = total + func.coalesce(func.char_length(as_text(column)), 0)
    return total


def checksum(dialect: str, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[Any] | None:
    """An aggregate over rows that changes with any value; None where the dialect has none that was tried."""
    if dialect == "sqlite":
        found: ColumnElement[Any] = getattr(func, Checksum.name)(*(cast(column, LargeBinary) for column in columns))
        return found
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import BIT

        parts = [func.coalesce(literal(VALUE).op("||")(as_text(column)), NOTHING) for column in columns]
        digits = func.substr(func.md5(func.concat_ws(SEPARATOR, *parts)), 1, HEX_DIGITS)
        return func.sum(cast(cast(literal("x").op("||")(digits), BIT(4 * HEX_DIGITS)), BigInteger))
    return None
