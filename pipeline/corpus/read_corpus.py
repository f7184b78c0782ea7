"""Reading the documents of a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.documents import Document
from pipeline.corpus.shards import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def shard_paths(folder: Path, split: str) -> list[Path]:
    """The Parquet shards of a split, in order; empty for a split without documents."""
    return sorted(folder.glob(f"{split}-*.parquet"))


def read_split(folder: Path, split: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All documents of a split.

    Args:
        folder: folder of the corpus.
        split: ``train``, ``validation``, ``test`` or ``held_out``.
        columns: columns to read, in this order; by default all.
    """
    names = list(columns or SCHEMA.names)
    tables = [parquet.read_table(shard, columns=names, partitioning=None).select(names) for shard in shard_paths(folder, split)]
    return pa.concat_tables(tables) if tables else pa.schema([SCHEMA.field(name) for name in names]).empty_table()


def read_documents(folder: Path, split: str) -> Iterator[Document]:
    """The documents of a split, in order, a row group at a time."""
    for shard in shard_paths(folder, split):
        yield from read_file(shard)


def read_file(shard: Path) -> Iterator[Document]:
    """The documents of one file, in order, a row group at a time."""
    with parquet.ParquetFile(shard) as file:
        names = [name for name in Document._fields if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=names).to_pydict()
            yield from map(Document, *(rows[name] for name in names))


def read_pairs(folder: Path, split: str) -> list[Document]:
    """The documents of a split that have a target, in order."""
    return [document for document in read_documents(folder, split) if document.target is not None]
