"""The files of a cleaned chunk.

===================== ==============================================================================================
documents.parquet     its documents in the order of reading, with the columns of a corpus
keys.parquet          for each document what decides about it: digests of its keys, its group, a note of the task;
                      in its metadata the facts of the chunk: counts, and the records that could not be read
===================== ==============================================================================================

They depend on the items of the chunk and on how they are cleaned, never on other chunks. So what is decided over the whole corpus,
the split, duplicates and classes, reads the small keys only.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.documents import Fields
from pipeline.corpus.quarantine import Quarantine
from pipeline.corpus.shards import ROW_GROUP, SCHEMA, WITH_IMAGES, chars_of, size_of, to_table
from pipeline.corpus.signatures import PLACES, sign
from pipeline.corpus.splitting import DIGEST_BYTES, key_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.tasks.base import SplitKeys

DOCUMENTS, KEYS = "documents.parquet", "keys.parquet"
FACTS = "facts"
"""Name of the facts in the metadata of the keys."""

REPEATED = ["group", "reasons", "note"]
"""Columns whose values repeat."""

KEY_SCHEMA = pa.schema(
    [
        pa.field("id", pa.binary(DIGEST_BYTES), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        # digest of the key that decides the split, and of the second one that may not straddle
        pa.field("decides", pa.binary(DIGEST_BYTES), nullable=False),
        pa.field("also", pa.binary(DIGEST_BYTES)),
        # whether `by: input` takes the second key; under which names a document that shares a key is filtered
        pa.field("input_is_also", pa.bool_(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
        pa.field("pair", pa.bool_(), nullable=False),
        pa.field("note", pa.string()),
        pa.field("chars", pa.int32(), nullable=False),
        # of `pipeline.corpus.signatures`; null for a short document, and where the recipe does not ask for it
        pa.field("signature", pa.binary(PLACES)),
    ]
)
IMAGE_BYTES = "image_bytes"
WITH_IMAGES_KEYS = KEY_SCHEMA.append(pa.field(IMAGE_BYTES, pa.int32(), nullable=False))
"""Of documents with images: how large shards get depends on these."""


@dataclass
class ChunkFacts:
    """What is known of a chunk apart from its documents."""

    read: int = 0
    """Records."""

    filtered: Counter[str] = field(default_factory=Counter)
    """Records that are no documents, by reason."""

    quarantine: Quarantine = field(default_factory=Quarantine)
    """Records that could not be read."""

    fields: Fields | None = None
    """The fields that its rows have; None if its reader does not say it, or it has no row."""

    cleaning: CleaningReport = field(default_factory=CleaningReport)
    """What cleaning did to its records."""

    def to_json(self) -> str:
        """All of it as JSON."""
        facts = {"read": self.read, "filtered": self.filtered, "quarantine": self.quarantine.to_json(), "fields": self.fields}
        return json.dumps({**facts, "cleaning": self.cleaning.to_json()})

    @classmethod
    def from_json(cls, text: bytes) -> ChunkFacts:
        """What `to_json` gave."""
        found = json.loads(text)
        fields = Fields(*map(tuple, found["fields"])) if found["fields"] else None
        return cls(
            found["read"],
            Counter(found["filtered"]),
            Quarantine.from_json(found["quarantine"]),
            fields,
            CleaningReport.from_json(found["cleaning"]),
        )


def read_keys(folder: Path, names: Sequence[str] = ()) -> tuple[pa.Table, ChunkFacts]:
    """Keys and facts of a chunk.

    Args:
        folder: of the chunk.
        names: of the columns to read.
    """
    with parquet.ParquetFile(folder / KEYS) as file:
        return file.read(names).replace_schema_metadata(), ChunkFacts.from_json(file.metadata.metadata[FACTS.encode()])


def read_sizes(folder: Path) -> pa.Table:
    """The sizes of a chunk's documents, as columns of its keys."""
    with parquet.ParquetFile(folder / KEYS) as file:
        return file.read([name for name in ("chars", IMAGE_BYTES) if name in file.schema_arrow.names])


class ChunkWriter:
    """Writes documents and keys of one chunk, a row group at a time; a context manager."""

    def __init__(self, folder: Path, salt: str, *, signed: bool, images: bool) -> None:
        """Open the files.

        Args:
            folder: where they go.
            salt: of the split.
            signed: whether documents get signatures.
            images: whether documents have images.
        """
        self.salt, self.signed, self.images = salt, signed, images
        self._key_schema = WITH_IMAGES_KEYS if images else KEY_SCHEMA
        self.facts = ChunkFacts()
        """Filled by the caller."""
        self._documents = parquet.ParquetWriter(
            folder / DOCUMENTS, WITH_IMAGES if images else SCHEMA, compression="zstd", use_dictionary=["group"]
        )
        self._keys = parquet.ParquetWriter(folder / KEYS, self._key_schema, compression="zstd", use_dictionary=REPEATED)
        self._rows: list[Document] = []
        self._key_rows: list[tuple[object, ...]] = []
        self._buffered = 0

    def __enter__(self) -> ChunkWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._documents.close()
        self._keys.add_key_value_metadata({FACTS: self.facts.to_json()})
        self._keys.close()

    def add(self, document: Document, keys: SplitKeys, note: str | None, content: str | None = None) -> None:
        """Append one document; ``content`` is the digest of what it holds, where that is not its id."""
        chars = chars_of(document)
        self._rows.append(document)
        self._key_rows.append(
            (
                bytes.fromhex(content or document.id),
                document.group,
                key_digest(self.salt, keys.decides),
                None if keys.also is None else key_digest(self.salt, keys.also),
                keys.input_is_also,
                ",".join(keys.reasons),
                document.target is not None,
                note,
                chars,
            )
        )
        self._buffered += size_of(document)
        if self._buffered >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._documents.write_table(to_table(self._rows, images=self.images))
            signatures = sign(self._rows) if self.signed else [None] * len(self._rows)
            sizes = [[len(document.image or b"") for document in self._rows]] if self.images else []
            columns = [*zip(*self._key_rows, strict=True), signatures, *sizes]
            arrays = [pa.array(column, each.type) for column, each in zip(columns, self._key_schema, strict=True)]
            self._keys.write_table(pa.Table.from_arrays(arrays, schema=self._key_schema))
        self._rows, self._key_rows, self._buffered = [], [], 0
