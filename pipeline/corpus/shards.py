"""Writing Parquet shards: bounded in size and memory, the same bytes for the same documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
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
    """Writes the documents of one split."""

    def __init__(self, folder: Path, split: str, shard_mb: int) -> None:
        """Create no file yet: a split without documents has none.

        Args:
            folder: where the shards go.
            split: name of the split.
            shard_mb: characters of text, in millions, after which a new shard begins.
        """
        self.folder, self.split, self.limit = folder, split, shard_mb * 1_000_000
        self.documents = self.shards = 0
        self._rows: list[Document] = []
        self._buffered = self._written = 0
        self._file: parquet.ParquetWriter | None = None

    def add(self, document: Document) -> None:
        """Buffer one document; full buffers are written."""
        self._rows.append(document)
        self.documents += 1
        self._buffered += len(document.text) + len(document.pair or "") + len(document.target or "")
        if self._buffered >= min(ROW_GROUP, self.limit):
            self._flush()

    def close(self) -> None:
        """Write the buffer and close the last shard."""
        self._flush()
        self._close_file()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._file is None:
            place = self.folder / f"{self.split}-{self.shards:05d}.parquet"
            self._file = parquet.ParquetWriter(place, SCHEMA, compression="zstd", use_dictionary=["group"])
            self.shards += 1
        columns = [pa.array(column, field.type) for column, field in zip(zip(*self._rows, strict=True), SCHEMA, strict=True)]
        self._file.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
        self._written += self._buffered
        self._rows, self._buffered = [], 0
        if self._written >= self.limit:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._written = None, 0
