"""Search every corpus of a store for documents: shard by shard, each blob once, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute, parquet

from pipeline.artifacts.types import ArtifactType
from pipeline.corpora.shards import ROWS, SPLITS
from pipeline.erasure.keys import document_keys
from pipeline.erasure.tombstones import SHORT
from pipeline.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import FileEntry, Manifest

COLUMNS = ("id", "text", "pair")
STAGES = ("ingestion", "test_set")
"""The stages that make corpora."""


@dataclass
class Found:
    """What a search found."""

    ids: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Text and second text of the documents found, by id."""

    keys: set[str] = field(default_factory=set)
    """The wanted ids and digests of texts that were found."""

    held: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Content digest of each corpus with such documents → their splits."""

    searched: list[str] = field(default_factory=list)
    """The first digits of the content digest of every corpus that could be read."""

    damaged: list[str] = field(default_factory=list)
    """Why corpora could not be read, in one line each; they count as if they held the documents."""


def search_corpora(artifacts: Artifacts, ids: Collection[str], texts: Collection[str], corpora: Iterable[Manifest], scratch: Path) -> Found:
    """Find documents by id or by the digests of their texts.

    Args:
        artifacts: the artifacts of the store.
        ids: ids of documents.
        texts: digests of texts, see `pipeline.erasure.keys`.
        corpora: where to look.
        scratch: an existing folder for one shard at a time.
    """
    found, known = Found(), dict[str, dict[str, tuple[str, str | None]]]()
    for corpus in corpora:
        splits, readable = set(), True
        for entry in corpus.files:
            split = entry.path.partition("-")[0]
            if split not in SPLITS or not entry.path.endswith(".parquet"):
                continue
            try:
                if entry.sha256 not in known:
                    known[entry.sha256] = dict(_in_shard(artifacts, corpus, entry, ids, texts, scratch))
            except Damaged as error:
                found.damaged.append(str(error))
                readable = False
                continue
            for one, (text, pair) in known[entry.sha256].items():
                splits.add(split)
                found.ids[one] = (text, pair)
                found.keys.update(({one} & set(ids)) | (set(document_keys(text, pair)) & set(texts)))
        if splits:
            found.held[corpus.digest] = tuple(split for split in SPLITS if split in splits)
        if readable:
            found.searched.append(corpus.digest[:SHORT])
    return found


def all_corpora(artifacts: Artifacts) -> Iterator[Manifest]:
    """Every corpus of a store, each content once."""
    seen = set()
    for manifest in chain.from_iterable(map(artifacts.manifests, STAGES)):
        if manifest.type is ArtifactType.CORPUS and manifest.digest not in seen:
            seen.add(manifest.digest)
            yield manifest


def _in_shard(
    artifacts: Artifacts, corpus: Manifest, entry: FileEntry, ids: Collection[str], texts: Collection[str], scratch: Path
) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """The documents of one shard that are meant."""
    wanted = pa.array(sorted(ids), pa.string())
    with TemporaryDirectory(dir=scratch) as folder:
        artifacts.open(corpus.model_copy(update={"files": (entry,)}), Path(folder))
        with parquet.ParquetFile(Path(folder) / entry.path) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=list(COLUMNS)):
                rows = batch if texts else batch.filter(compute.is_in(batch["id"], value_set=wanted))
                for row in rows.to_pylist():
                    if row["id"] in ids or not set(texts).isdisjoint(document_keys(row["text"], row["pair"])):
                        yield row["id"], (row["text"], row["pair"])
