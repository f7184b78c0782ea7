"""From a row of the user's data to a record.

A column of the recipe names a field of the row, or by a dotted path a field inside an object or a list (``body.text``,
``messages.0.content``). A field whose own name has a dot is found first.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Quarantined, Record
from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.recipe.data import Columns


def named_fields(columns: Columns) -> list[str]:
    """The fields that the recipe names, in the order text, pair, target, name, group, license, image."""
    named = (columns.text, columns.pair, columns.target, columns.name, columns.group, columns.license, columns.image)
    return [name for name in named if name is not None]


MISSING: Any = object()
"""What `pick` gives where there is no such field."""


def pick(row: Mapping[str, Any], column: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a column; `MISSING` if the row has no such field."""
    found = row.get(column, MISSING)
    if found is not MISSING or "." not in column:
        return found
    found = row
    for part in column.split("."):
        if isinstance(found, dict):
            found = found.get(part, MISSING)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return MISSING
    return found


def nested_names(row: Mapping[str, Any]) -> set[str]:
    """The dotted paths of fields inside the objects of a row, for suggestions."""
    return {f"{name}.{inner}" for name, value in row.items() if isinstance(value, dict) for inner in value}


def check_fields(columns: Columns, available: Iterable[str], where: str) -> None:
    """Refuse a file that lacks a field the recipe names.

    Raises:
        BadInput: such a field, where the near name is suggested; or one that stands twice.
    """
    present = Counter(available)
    for name in named_fields(columns):
        if name not in present:
            raise unknown_name(f"field of {where} in data.source.columns:", name, present)
        if present[name] > 1:
            raise BadInput(f"{where} has two columns {name!r}", "", "rename one of them")


def to_record(row: Mapping[str, Any], columns: Columns, where: str) -> Record | Quarantined:
    """Take the named fields of a row. A target may be any JSON value; null means no value. Numbers become text in a name or group.

    Args:
        row: the user's row.
        columns: which field is what.
        where: file and line.
    """
    try:
        text = _value(row, columns.text)
        if not isinstance(text, list):
            text = _text(row, columns.text, where)
        pair = _text(row, columns.pair, where)
        target = _target(row, columns.target, where)
        name, group = (_label(row, column) for column in (columns.name, columns.group))
    except BadInput as error:
        return Quarantined(error.got, where, _excerpt(row, columns))
    image = _value(row, columns.image)
    for column, value in ((columns.text, text), (columns.pair, pair), (columns.image, image)):
        if column is not None and value is None:
            return Quarantined(f"no field {column!r}", where, _excerpt(row, columns))
    if not (is_unicode(name) and is_unicode(group) and all(map(_all_unicode, (text, pair, target)))):
        return Quarantined("not Unicode", where, str(text)[:200])
    return Record(text, target, name, group, pair, where, _label(row, columns.license) or None, image)


def _excerpt(row: Mapping[str, Any], columns: Columns) -> str:
    """The beginning of a row, without its image."""
    return str({name: value for name, value in row.items() if name != columns.image})[:200]


def is_unicode(text: str) -> bool:
    """Whether text can be encoded as UTF-8: JSON and Python source may contain lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _value(row: Mapping[str, Any], column: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a column; None where there is none."""
    found = pick(row, column) if column is not None else None
    return None if found is MISSING else found


def _text(row: Mapping[str, Any], column: str | None, where: str) -> str | None:
    value = _value(row, column)
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("not UTF-8", "UTF-8", f"see {where}") from error
    if value is not None and not isinstance(value, str):
        raise BadInput(f"field {column!r} is not text", "text", f"see {where}")
    return value


def _target(row: Mapping[str, Any], column: str | None, where: str) -> Any:  # noqa: ANN401 - any JSON value
    value = _value(row, column)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return _text(row, column, where)
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"field {column!r} is not a JSON value", "text, a number, a list or an object", f"see {where}") from error
    return value


def _all_unicode(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether all strings in a JSON value can be encoded."""
    return is_unicode(value) if isinstance(value, str) else value is None or all(map(is_unicode, _strings(value)))


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (found for pair in value.items() for item in pair for found in _strings(item))
    elif isinstance(value, list):
        yield from (found for item in value for found in _strings(item))


def _label(row: Mapping[str, Any], column: str | None) -> str:
    value = _value(row, column)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
