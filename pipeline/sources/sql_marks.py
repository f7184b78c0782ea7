"""Values of a high-water column as JSON, and back: a pin holds them."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pipeline.artifacts.manifest import canonical_json
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

Mark = int | float | str | bytes | datetime | date | Decimal | UUID
"""A value of the high-water column."""

READ: dict[str, Callable[[str], Mark]] = {
    "int": int,
    "float": float.fromhex,
    "str": str,
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
}
"""Name of a type → how its text becomes a value again."""
WRITE: dict[str, Callable[[Any], str]] = {
    "float": float.hex,
    "bytes": bytes.hex,
    "datetime": datetime.isoformat,
    "date": date.isoformat,
}
"""The same the other way; ``str`` for all others."""
ROWS, RESULT = "rows:", "result:"
"""How the revision of a part begins, and that of a whole result."""
SHOWN = 40
"""Characters of a mark in a name."""


class Part(NamedTuple):
    """Rows between two marks."""

    after: Mark | None
    """The mark that the rows are above; None for the first part."""

    upto: Mark
    """The largest mark among them."""

    rows: int
    check: str
    """Computed by the database from all their values, or from their lengths."""

    def revision(self) -> str:
        """It as the revision of an item."""
        after = None if self.after is None else _written(self.after)
        found = {"after": after, "upto": _written(self.upto), "rows": self.rows, "check": self.check}
        return ROWS + canonical_json(found).decode()

    @classmethod
    def of(cls, revision: str) -> Part:
        """What `revision` gave."""
        found = json.loads(revision.removeprefix(ROWS))
        return cls(None if found["after"] is None else _read(found["after"]), _read(found["upto"]), found["rows"], found["check"])

    def name(self, column: str) -> str:
        """It in words."""
        upto = str(self.upto)[:SHOWN]
        return f"{column} up to {upto}" if self.after is None else f"{column} above {str(self.after)[:SHOWN]}, up to {upto}"


def as_mark(value: object, column: str) -> Mark:
    """A value of a high-water column.

    Raises:
        BadInput: it is of a type that has no order that survives being written down.
    """
    plain = value.tobytes() if isinstance(value, memoryview) else value
    if type(plain).__name__ not in READ or isinstance(plain, bool):
        raise BadInput(
            f"data.source.high_water {column!r} has values of type {type(plain).__name__}",
            "numbers, times or texts",
            "name another column",
        )
    return plain  # type: ignore[return-value]


def _written(mark: Mark) -> list[str]:
    kind = type(mark).__name__
    return [kind, WRITE.get(kind, str)(mark)]


def _read(written: list[str]) -> Mark:
    kind, text = written
    return READ[kind](text)
