"""The part of a corpus that a model learned from, taken over into a corpus of fresh examples.

A corpus of fresh examples has the training documents of that other corpus, byte for byte, and the fresh records as its test split. So
classes and baselines are what they were when the model was trained, and equal shards are stored once.
"""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.decide import KnownKeys
from pipeline.corpus.near_copies import batches
from pipeline.corpus.read_corpus import read_file, shard_paths
from pipeline.corpus.signatures import sign
from pipeline.corpus.splitting import TRAIN, VALIDATION, key_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.erasure.tombstones import Forgotten
    from pipeline.tasks.base import TaskExamples


class Learned(NamedTuple):
    """What a model learned from."""

    documents: int
    """Training documents."""

    pairs: int
    """Those of them that have a target."""

    keys: KnownKeys
    """Keys of all documents that it saw in training or validation."""

    signatures: list[bytes]
    """Signatures of these documents; empty unless they are asked for."""


def take_over_training(learned: Path, output: Path, examples: TaskExamples, salt: str, forgotten: Forgotten, *, signed: bool) -> Learned:
    """Copy the training documents of a corpus, and note the keys of all documents that a model saw in training or validation.

    Args:
        learned: folder of the corpus that the model learned from.
        output: folder of the corpus of fresh examples.
        examples: takes note of the training documents, e.g. of their classes.
        salt: of the digests of keys.
        forgotten: documents to leave out. A shard that holds one is written again without it.
        signed: whether signatures are asked for.
    """
    documents = pairs = 0
    found: dict[str, set[bytes]] = {TRAIN: set(), VALIDATION: set()}
    signatures: list[bytes] = []
    for split in (TRAIN, VALIDATION):
        for document in _remaining(learned, split, forgotten):
            keys = examples.split_keys(document)
            found[split].update(key_digest(salt, key) for key in (keys.decides, keys.also) if key is not None)
            if split == TRAIN:
                examples.add(examples.note(document), split)
                documents += 1
                pairs += document.target is not None
        if signed:
            signatures += [each for batch in batches(_remaining(learned, split, forgotten)) for each in sign(batch) if each]
    for shard in shard_paths(learned, TRAIN):
        if any((document.id, document.text, document.pair) in forgotten for document in read_file(shard)):
            _write_without(shard, output / shard.name, forgotten)
        else:
            copyfile(shard, output / shard.name)
    return Learned(documents, pairs, KnownKeys(frozenset(found[TRAIN]), frozenset(found[VALIDATION])), signatures)


def _remaining(folder: Path, split: str, forgotten: Forgotten) -> Iterator[Document]:
    """The documents of a split that are not to be forgotten."""
    for shard in shard_paths(folder, split):
        yield from (document for document in read_file(shard) if (document.id, document.text, document.pair) not in forgotten)


def _write_without(shard: Path, place: Path, forgotten: Forgotten) -> None:
    """Copy a shard without the documents that are to be forgotten, row group by row group."""
    with parquet.ParquetFile(shard) as source, parquet.ParquetWriter(place, source.schema_arrow, compression="zstd") as target:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            columns = (table[name].to_pylist() for name in ("id", "text", "pair"))
            target.write_table(table.filter(pa.array([document not in forgotten for document in zip(*columns, strict=True)], pa.bool_())))
