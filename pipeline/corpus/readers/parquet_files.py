"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyarrow import parquet

from pipeline.corpus.readers.arrow_columns import column_paths, rows
from pipeline.corpus.readers.fields import to_record
from pipeline.corpus.readers.read_progress import ReadProgress
from pipeline.corpus.readers.seekable import file_named_in_errors, seekable
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pipeline.corpus.documents import Quarantined, Record
    from pipeline.recipe.data import Source
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem

ROWS = 4096
"""Most rows held in memory at once."""
BATCH_BYTES = 32 << 20
"""Bytes of a batch, by the average size of a row that the file declares."""
BUFFER = 1 << 20
"""Bytes of a column that are read at once: without it pyarrow holds the column of a whole row group."""
SMALL_COLUMN = 8 << 20
"""Bytes of a column in a row group below which it is read as references to a dictionary: a small file may refer a million times to
one long text. For larger columns that takes too much memory itself."""
MAX_RATIO = 1000
"""A column that expands more, to more than `FREE_BYTES`, is refused; so is a file with more rows than this for each of its bytes."""
FREE_BYTES = 64 << 20
FREE_FILE = 1 << 16
FIX = "look at the file, or remove it"


def read(source: Source, pin: Pin, settings: Settings, reporter: Reporter) -> Iterator[Record | Quarantined]:
    """Yield each row's record.

    Raises:
        BadInput: a file is corrupt, or lacks a field the recipe names, or has it twice, or declares absurd sizes.
        SourceChanged: a file changed since it was planned.
    """
    progress = ReadProgress(reporter, pin)
    for item in pin.items:
        name = item.name.rpartition("/")[2]
        for number, row in enumerate(_rows(item, source, settings, progress), start=1):
            yield to_record(row, source.columns, f"{name}:{number}")


def _rows(item: PinnedItem, source: Source, settings: Settings, progress: ReadProgress) -> Iterator[dict[str, Any]]:
    """The rows of a file, only the named fields."""
    with seekable(item, settings, progress) as file, file_named_in_errors(item, "Parquet"):
        metadata = parquet.read_metadata(file)
        paths = column_paths(metadata.schema.to_arrow_schema(), source.columns, item.name.rpartition("/")[2])
        wanted = {".".join(path) for path in paths.values()}
        check_sizes(metadata, wanted, item)
        repeated = [name for name in wanted if _is_small_text(metadata, name)]
        file.seek(0)
        table = parquet.ParquetFile(file, read_dictionary=repeated, buffer_size=BUFFER)
        count = max(1, min(ROWS, int(BATCH_BYTES / max(1, _bytes_a_row(metadata, wanted)))))
        expanded = 0
        for batch in table.iter_batches(count, columns=sorted(wanted)):
            progress.report()
            for row in rows(batch, paths):
                if repeated:
                    expanded += sum(len(value) for value in row.values() if isinstance(value, bytes))
                    if expanded > max(FREE_BYTES, MAX_RATIO * item.size):
                        raise BadInput(f"{item.name} expands more than {MAX_RATIO} times while it is read", "text", FIX)
                yield row


def check_sizes(metadata: parquet.FileMetaData, wanted: Collection[str], item: PinnedItem) -> None:
    """Refuse a file that declares what no text has, before any of it is read.

    Raises:
        BadInput: too many rows for its size, or a column that expands too much.
    """
    if not 0 <= metadata.num_rows <= MAX_RATIO * max(item.size, FREE_FILE):
        raise BadInput(f"{item.name} declares {metadata.num_rows} rows in {item.size} bytes", "text", FIX)
    for chunk in _chunks(metadata, wanted):
        if chunk.total_uncompressed_size > max(FREE_BYTES, MAX_RATIO * chunk.total_compressed_size):
            size = chunk.total_uncompressed_size
            raise BadInput(
                f"{item.name}: column {chunk.path_in_schema!r} expands {chunk.total_compressed_size} bytes to {size}", "text", FIX
            )


def _is_small_text(metadata: parquet.FileMetaData, name: str) -> bool:
    """Whether a column holds strings, and few bytes of them in each row group; lists cannot be read as references."""
    return all(
        chunk.path_in_schema == name and chunk.physical_type == "BYTE_ARRAY" and chunk.total_uncompressed_size < SMALL_COLUMN
        for chunk in _chunks(metadata, {name})
    )


def _bytes_a_row(metadata: parquet.FileMetaData, wanted: Collection[str]) -> float:
    """Declared bytes of the wanted columns, an average over all rows."""
    size: int = sum(chunk.total_uncompressed_size for chunk in _chunks(metadata, wanted))
    return float(size / max(1, metadata.num_rows))


def _chunks(metadata: parquet.FileMetaData, wanted: Collection[str]) -> Iterator[parquet.ColumnChunkMetaData]:
    """The parts of the wanted columns, row group by row group."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            if any(chunk.path_in_schema == name or chunk.path_in_schema.startswith(f"{name}.") for name in wanted):
                yield chunk
