"""From a row of the user's data to a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Quarantined, Record
from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.recipe.data import Columns


def named_fields(columns: Columns) -> list[str]:
    """The fields that the recipe names, in the order text, target, name, group."""
    return [name for name in (columns.text, columns.target, columns.name, columns.group) if name is not None]


def check_fields(columns: Columns, available: Iterable[str], where: str) -> None:
    """Refuse a file that lacks a field the recipe names.

    Raises:
        BadInput: suggests the near name.
    """
    present = sorted(available)
    for name in named_fields(columns):
        if name not in present:
            raise unknown_name(f"field of {where} in data.source.columns:", name, present)


def to_record(row: Mapping[str, Any], columns: Columns, where: str) -> Record | Quarantined:
    """Take the named fields of a row. Numbers become text in a name or group; null means no value.

    Args:
        row: the user's row.
        columns: which field holds text, target, name and group.
        where: file and line.
    """
    try:
        text = _text(row, columns.text, where)
        target = _text(row, columns.target, where)
        name, group = (_label(row, column) for column in (columns.name, columns.group))
    except BadInput as error:
        return Quarantined(error.got, where, str(dict(row))[:200])
    if text is None:
        return Quarantined(f"no field {columns.text!r}", where, str(dict(row))[:200])
    if not all(map(is_unicode, (text, target or "", name, group))):
        return Quarantined("not Unicode", where, text[:200])
    return Record(text, target, name, group)


def is_unicode(text: str) -> bool:
    """Whether text can be encoded as UTF-8: JSON and Python source may contain lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(row: Mapping[str, Any], column: str | None, where: str) -> str | None:
    value = row.get(column) if column is not None else None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("not UTF-8", "UTF-8", f"see {where}") from error
    if value is not None and not isinstance(value, str):
        raise BadInput(f"field {column!r} is not text", "text", f"see {where}")
    return value


def _label(row: Mapping[str, Any], column: str | None) -> str:
    value = row.get(column) if column is not None else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
