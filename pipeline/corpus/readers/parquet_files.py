"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.readers.fields import check_fields, named_fields, to_record
from pipeline.corpus.readers.open_item import open_raw
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Quarantined, Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem

ROWS = 4096
"""Rows held in memory at once."""


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file is corrupt, or lacks a field the recipe names, or has it twice.
        Unavailable: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        for number, row in enumerate(_rows(item, source, settings, progress), start=1):
            yield to_record(row, source.columns, f"{name}:{number}")


def _rows(item: PinnedItem, source: Source, settings: Settings, progress: ReadProgress) -> Iterator[dict[str, Any]]:
    """The rows of a file, only the named fields. Text stays bytes, so that one bad string does not fail its batch."""
    fields = list(dict.fromkeys(named_fields(source.columns)))
    with _seekable(item, settings, progress) as file, _file_named_in_errors(item):
        table = parquet.ParquetFile(file)
        names = table.schema_arrow.names
        check_fields(source.columns, names, item.name.rpartition("/")[2])
        twice = [field for field in fields if names.count(field) > 1]
        if twice:
            raise BadInput(f"{item.name} has two columns {twice[0]!r}", "", "rename one of them")
        for batch in table.iter_batches(ROWS, columns=fields):
            progress.report()
            columns = [_to_python(batch.column(field)) for field in fields]
            yield from (dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True))


def _to_python(column: Any) -> list[Any]:  # noqa: ANN401 - a pyarrow array
    """Values of a column as Python objects."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    values: list[Any] = column.to_pylist()
    return values


@contextmanager
def _file_named_in_errors(item: PinnedItem) -> Iterator[None]:
    """Turn pyarrow's errors into BadInput that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{item.name} is not a complete Parquet file: {error}", "a file that pyarrow can read", "write the file again"
        ) from error


@contextmanager
def _seekable(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[IO[bytes]]:
    """The file, or a temporary copy of an object: Parquet is read from its end."""
    with open_raw(item, settings, progress) as raw:
        if not item.name.startswith("s3://"):
            yield raw
            progress.add(item.size)
            return
        with TemporaryFile() as copy:
            while piece := raw.read(1 << 20):
                copy.write(piece)
                progress.add(len(piece))
            copy.seek(0)
            yield copy
