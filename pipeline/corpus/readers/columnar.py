"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.readers.fields import check_fields, to_record, wanted
from pipeline.corpus.readers.opening import open_raw
from pipeline.corpus.readers.read_progress import Meter
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
        BadInput: a file is corrupt, or lacks a field the recipe names.
        Unavailable: a file changed since it was planned.
    """
    meter = Meter(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        for number, row in enumerate(_rows(item, source, settings, meter), start=1):
            yield to_record(row, source.columns, f"{name}:{number}")


def _rows(item: PinnedItem, source: Source, settings: Settings, meter: Meter) -> Iterator[dict[str, Any]]:
    """The rows of a file, the fields that count only, text as bytes: one bad string must not spoil its batch."""
    fields = list(dict.fromkeys(wanted(source.columns)))
    with _seekable(item, settings, meter) as file, _named(item):
        table = parquet.ParquetFile(file)
        check_fields(source.columns, table.schema_arrow.names, item.name.rpartition("/")[2])
        for batch in table.iter_batches(ROWS, columns=fields):
            meter.tell()
            columns = [_plain(batch.column(field)) for field in fields]
            yield from (dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True))


def _plain(column: Any) -> list[Any]:  # noqa: ANN401 - a pyarrow array
    """Values of a column as Python objects."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    values: list[Any] = column.to_pylist()
    return values


@contextmanager
def _named(item: PinnedItem) -> Iterator[None]:
    """Name the file in pyarrow's errors."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{item.name} is not a whole Parquet file: {error}", "a file that pyarrow can read", "make it anew") from error


@contextmanager
def _seekable(item: PinnedItem, settings: Settings, meter: Meter) -> Iterator[IO[bytes]]:
    """The file itself, or an object's bytes in a nameless file on disk: Parquet is read from its end."""
    with open_raw(item, settings) as raw:
        if not item.name.startswith("s3://"):
            yield raw
            meter.add(item.size)
            return
        with TemporaryFile() as copy:
            while piece := raw.read(1 << 20):
                copy.write(piece)
                meter.add(len(piece))
            copy.seek(0)
            yield copy
