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
WITH_IMAGES = SCHEMA.append(pa.field("image", pa.binary()))
"""Of a corpus whose documents have images."""

ROW_GROUP = 8 << 20
"""Characters of text in a row group, an image counted by its bytes: a reader holds one row group in memory."""


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
        self.add_rows(to_table([document], images=document.image is not None), [size_of(document)])

    def add_rows(self, rows: pa.Table, sizes: Sequence[int]) -> None:
        """Buffer documents as rows of `SCHEMA` or `WITH_IMAGES`; full buffers are written.

        Args:
            rows: the documents.
            sizes: of each, by `size_of`.
        """
        self.documents += rows.num_rows
        start = 0
        for place, size in enumerate(sizes, start=1):
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
            self._file = parquet.ParquetWriter(place, self._rows[0].schema, compression="zstd", use_dictionary=["group"])
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


def to_table(documents: Sequence[Document], *, images: bool = False) -> pa.Table:
    """Documents as rows of `SCHEMA`, or of `WITH_IMAGES`."""
    schema = WITH_IMAGES if images else SCHEMA
    columns = [pa.array([getattr(document, field.name) for document in documents], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def chars_of(document: Document) -> int:
    """Characters of a document's texts."""
    return len(document.text) + len(document.pair or "") + len(document.target or "")


def size_of(document: Document) -> int:
    """Characters of a document's texts and bytes of its image."""
    return chars_of(document) + len(document.image or b"")
