"""Arrow IPC files and streams (``.arrow``, ``.feather``), a batch at a time: what `datasets` and pandas write.

Their batches are checked before they are used: a wrong offset in a batch would end the process without an error.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import ipc

from pipeline.corpus.readers.arrow_columns import column_paths, rows
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.seekable import file_named_in_errors, seekable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Quarantined, Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem

MAGIC = b"ARROW1"
"""A file begins with it; a stream does not."""
ROWS = 4096
"""Rows that are Python objects at once."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file is corrupt, or lacks a field the recipe names, or has it twice.
        SourceChanged: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        for number, row in enumerate(_rows(item, source, settings, progress), start=1):
            yield to_record(row, source.columns, f"{name}:{number}")


def _rows(item: PinnedItem, source: Source, settings: Settings, progress: ReadProgress) -> Iterator[dict[str, Any]]:
    """The rows of a file, only the named fields."""
    with seekable(item, settings, progress) as file, file_named_in_errors(item, "Arrow"):
        schema, batches = _open(file)
        paths = column_paths(schema, source.columns, item.name.rpartition("/")[2])
        for batch in batches:
            progress.report()
            chosen = batch.select(list(dict.fromkeys(path[0] for path in paths.values())))
            checked = pa.RecordBatch.from_arrays([_checked(column) for column in chosen.columns], names=chosen.schema.names)
            for start in range(0, checked.num_rows, ROWS):
                yield from rows(checked.slice(start, ROWS), paths)


def _open(file: IO[bytes]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and batches of a file or stream."""
    beginning = file.read(len(MAGIC))
    file.seek(0)
    if beginning == MAGIC:
        table = ipc.open_file(file)
        return table.schema, (table.get_batch(number) for number in range(table.num_record_batches))
    stream = ipc.open_stream(file)
    return stream.schema, iter(stream)


def _checked(column: pa.Array) -> pa.Array:
    """A column whose offsets and indices are valid; a string that is not UTF-8 is found later, for its row alone.

    Raises:
        pa.ArrowInvalid: the column is corrupt.
    """
    if pa.types.is_string(column.type):
        column = column.view(pa.binary())
    elif pa.types.is_large_string(column.type):
        column = column.view(pa.large_binary())
    column.validate(full=True)
    return column
