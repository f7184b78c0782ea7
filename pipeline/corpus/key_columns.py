"""The keys of all documents of a corpus, on disk beside its chunks: a column is in memory while something asks for it.

All columns together take 50 bytes of a document, and 170 with signatures. What is decided at once needs one or two of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.chunk_files import KEYS, REPEATED, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.corpus.chunk_files import ChunkFacts

BLOCK = 1 << 16
"""Most documents in a record batch."""


class KeyColumns:
    """Columns of `pipeline.corpus.chunk_files.KEY_SCHEMA`, by name; of documents with images also their sizes."""

    def __init__(self, place: Path, rows: list[int], facts: list[ChunkFacts]) -> None:
        """Read nothing yet.

        Args:
            place: an Arrow file, with the keys of each chunk as record batches of at most `BLOCK` documents.
            rows: documents of each chunk.
            facts: of each chunk.
        """
        self.place, self.rows, self.facts = place, rows, facts
        with pa.OSFile(str(place)) as file, pa.ipc.open_file(file) as reader:
            self._schema = reader.schema

    @classmethod
    def gather(cls, folders: Sequence[Path], place: Path, *, signed: bool) -> KeyColumns:
        """Write the keys of some chunks into one file.

        Args:
            folders: of the chunks, in order; at least one.
            place: the file; there is none yet.
            signed: whether with signatures.
        """
        schema = parquet.read_schema(folders[0] / KEYS).remove_metadata()
        if not signed:
            schema = schema.remove(schema.get_field_index("signature"))
        rows, facts = list[int](), list["ChunkFacts"]()
        with pa.OSFile(str(place), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for folder in folders:
                table, found = read_keys(folder, schema.names)
                rows.append(table.num_rows)
                facts.append(found)
                writer.write_table(table, BLOCK)
        return cls(place, rows, facts)

    @property
    def num_rows(self) -> int:
        """Number of documents."""
        return sum(self.rows)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return list(self._schema.names)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column; what repeats in it is there once, and its documents have numbers for it."""
        if name not in REPEATED:
            return pa.chunked_array(self.blocks(name), self._schema.field(name).type)
        found = pa.chunked_array([block.dictionary_encode() for block in self.blocks(name)], pa.dictionary(pa.int32(), pa.string()))
        return found.unify_dictionaries()

    def blocks(self, name: str) -> Iterator[pa.Array]:
        """A column, some documents at a time."""
        options = pa.ipc.IpcReadOptions(included_fields=[self._schema.get_field_index(name)])
        with pa.OSFile(str(self.place)) as file, pa.ipc.open_file(file, options=options) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).column(0)
