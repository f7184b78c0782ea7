"""The keys of all documents of a corpus, on disk beside its chunks: a column is in memory while something asks for it.

All columns together take 50 bytes of a document, and 170 with signatures. What is decided at once needs one or two of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.corpus.chunk_files import KEY_SCHEMA, REPEATED, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.corpus.chunk_files import ChunkFacts


class KeyColumns:
    """Columns of `pipeline.corpus.chunk_files.KEY_SCHEMA`, by name."""

    def __init__(self, place: Path, rows: list[int], facts: list[ChunkFacts]) -> None:
        """Read nothing yet.

        Args:
            place: an Arrow file, with the keys of each chunk as a record batch.
            rows: documents of each chunk.
            facts: of each chunk.
        """
        self.place, self.rows, self.facts = place, rows, facts

    @classmethod
    def gather(cls, folders: Iterable[Path], place: Path, *, signed: bool) -> KeyColumns:
        """Write the keys of some chunks into one file.

        Args:
            folders: of the chunks, in order.
            place: the file; there is none yet.
            signed: whether with signatures.
        """
        names = [name for name in KEY_SCHEMA.names if signed or name != "signature"]
        rows, facts = list[int](), list["ChunkFacts"]()
        with pa.OSFile(str(place), "wb") as file, pa.ipc.new_file(file, pa.schema([KEY_SCHEMA.field(name) for name in names])) as writer:
            for folder in folders:
                table, found = read_keys(folder, names)
                rows.append(table.num_rows)
                facts.append(found)
                writer.write_table(table)
        return cls(place, rows, facts)

    @property
    def num_rows(self) -> int:
        """Number of documents."""
        return sum(self.rows)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column; what repeats in it is there once, and its documents have numbers for it."""
        options = pa.ipc.IpcReadOptions(included_fields=[KEY_SCHEMA.get_field_index(name)])
        with pa.OSFile(str(self.place)) as file, pa.ipc.open_file(file, options=options) as reader:
            batches = (reader.get_batch(number).column(0) for number in range(reader.num_record_batches))
            if name not in REPEATED:
                return pa.chunked_array(batches, KEY_SCHEMA.field(name).type)
            found = pa.chunked_array([batch.dictionary_encode() for batch in batches], pa.dictionary(pa.int32(), pa.string()))
            return found.unify_dictionaries()
