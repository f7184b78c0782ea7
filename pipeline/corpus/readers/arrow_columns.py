"""Columns of Arrow data as Python values: shared by the readers of Parquet and Arrow files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.readers.fields import check_fields, named_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.recipe.data import Columns

Path = tuple[str, ...]
"""A column, and the fields inside it that lead to a value."""


def column_paths(schema: pa.Schema, columns: Columns, where: str) -> dict[str, Path]:
    """Where the values of the recipe's columns are, by column.

    Args:
        schema: of the file.
        columns: of the recipe; a dotted path names a field of a struct.
        where: the file, for messages.

    Raises:
        BadInput: a column is missing, or stands twice.
    """
    found = {column: path for column in named_fields(columns) if (path := _path(schema, column))}
    check_fields(columns, [*schema.names, *(name for field in schema for name in _inner(field))], where)
    return found


def column_values(batch: pa.RecordBatch, path: Path) -> list[Any]:
    """The values at a path. Text stays bytes, so that one bad string does not fail its batch.

    Raises:
        pa.ArrowInvalid: the column is corrupt.
    """
    column = batch.column(path[0])
    for part in path[1:]:
        column = pc.struct_field(column, part)
    if pa.types.is_dictionary(column.type):
        # decoded one by one: a dictionary of one long text may stand for millions of rows
        known = _plain(column.dictionary)
        low, high = pc.min_max(column.indices).as_py().values()
        if low is not None and not 0 <= low <= high < len(known):
            raise pa.ArrowInvalid(f"a reference to entry {high} of a dictionary of {len(known)}")
        return [None if index is None else known[index] for index in column.indices.to_pylist()]
    return _plain(column)


def rows(batch: pa.RecordBatch, paths: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """The rows of a batch, only the recipe's columns."""
    values = [column_values(batch, path) for path in paths.values()]
    return (dict(zip(paths, row, strict=True)) for row in zip(*values, strict=True))


def _plain(column: pa.Array) -> list[Any]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    elif pa.types.is_string_view(column.type):
        column = column.cast(pa.binary_view()).cast(pa.large_binary())
    values: list[Any] = column.to_pylist()
    return values


def _path(schema: pa.Schema, column: str) -> Path | None:
    """Where a column is; None if there is none."""
    if column in schema.names:
        return (column,)
    first, *parts = column.split(".")
    if first not in schema.names:
        return None
    kind = schema.types[schema.names.index(first)]
    for part in parts:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return None
        kind = kind.field(part).type
    return (first, *parts)


def _inner(field: pa.Field) -> list[str]:
    """The dotted paths of all fields inside a struct; in a file with two structs of one name, each path stands twice."""
    if not pa.types.is_struct(field.type):
        return []
    inside = [field.type.field(place) for place in range(field.type.num_fields)]
    return [f"{field.name}.{name}" for part in inside for name in (part.name, *_inner(part))]
