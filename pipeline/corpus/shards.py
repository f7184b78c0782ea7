"""Writing Parquet shards: bounded in size and memory, the same bytes for the same documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.corpus.documents import Document

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("pair", pa.string()),
        pa.field("target", pa.string()),
    ]
)
ROW_GROUP = 8 << 20
"""Characters of text in a row group: a reader holds one row group in memory."""


class ShardWriter:
    """Writes documents of one split."""

    def __init__(self, folder: Path, split: str, shard_mb: int, first: int = 0) -> None:
        """Create no file yet: a split without documents has none.

        Args:
            folder: where the shards go.
            split: name of the split.
            shard_mb: characters of text, in millions, after which a new shard begins.
            first: number of the first shard.
        """
        self.folder, self.split, self.limit = folder, split, shard_mb * 1_000_000
        self.documents, self.number = 0, first
        self._rows: list[pa.Table] = []
        self._buffered = self._written = 0
        self._file: parquet.ParquetWriter | None = None

    def add(self, document: Document) -> None:
        """Buffer one document; full buffers are written."""
        self.add_rows(to_table([document]), [chars_of(document)])

    def add_rows(self, rows: pa.Table, chars: Sequence[int]) -> None:
        """Buffer documents as rows of `SCHEMA`; full buffers are written.

        Args:
            rows: the documents.
            chars: characters of each.
        """
        self.documents += rows.num_rows
        start = 0
        for place, size in enumerate(chars, start=1):
            self._buffered += size
            if self._buffered >= min(ROW_GROUP, self.limit):
                self._rows.append(rows.slice(start, place - start))
                self._flush()
                start = place
        if start < rows.num_rows:
            self._rows.append(rows.slice(start))

    def close(self) -> None:
        """Write the buffer and close the last shard."""
        self._flush()
        self._close_file()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._file is None:
            place = self.folder / f"{self.split}-{self.number:05d}.parquet"
            self._file = parquet.ParquetWriter(place, SCHEMA, compression="zstd", use_dictionary=["group"])
            self.number += 1
        # in one piece: otherwise the pages of a shard would depend on the pieces that were added
        rows = pa.concat_tables(self._rows).combine_chunks()
        self._file.write_table(rows, row_group_size=max(1, rows.num_rows))
        self._written += self._buffered
        self._rows, self._buffered = [], 0
        if self._written >= self.limit:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._written = None, 0


def to_table(documents: Sequence[Document]) -> pa.Table:
    """Documents as rows of `SCHEMA`."""
    columns = [pa.array(column, field.type) for column, field in zip(zip(*documents, strict=True), SCHEMA, strict=True)]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def chars_of(document: Document) -> int:
    """Characters of a document's texts."""
    return len(document.text) + len(document.pair or "") + len(document.target or "")
