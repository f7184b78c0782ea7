"""The part of a corpus that a model learned from, taken over into a corpus of fresh examples.

A corpus of fresh examples has the training documents of that other corpus, byte for byte, and the fresh records as its test split. So
classes and baselines are what they were when the model was trained, and equal shards are stored once.
"""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipeline.corpus.read_corpus import read_shard, shard_paths
from pipeline.corpus.splitting import TRAIN, VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.splitting import Splitter
    from pipeline.erasure.tombstones import Forgotten
    from pipeline.tasks.base import TaskExamples


def take_over_training(learned: Path, output: Path, examples: TaskExamples, splitter: Splitter, forgotten: Forgotten) -> tuple[int, int]:
    """Copy the training documents of a corpus, and note the keys of all documents that a model saw in training or validation.

    Args:
        learned: folder of the corpus that the model learned from.
        output: folder of the corpus of fresh examples.
        examples: takes note of the training documents, e.g. of their classes.
        splitter: takes note of the keys.
        forgotten: documents to leave out. A shard that holds one is written again without it.

    Returns:
        Training documents, and those of them that have a target.
    """
    documents = pairs = 0
    changed: set[Path] = set()
    for split in (TRAIN, VALIDATION):
        for shard in shard_paths(learned, split):
            for document in read_shard(shard):
                if (document.id, document.text, document.pair) in forgotten:
                    changed.add(shard)
                    continue
                splitter.remember(split, examples.split_keys(document))
                if split == TRAIN:
                    examples.add(document, split)
                    documents += 1
                    pairs += document.target is not None
    for shard in shard_paths(learned, TRAIN):
        if shard in changed:
            _write_without(shard, output / shard.name, forgotten)
        else:
            copyfile(shard, output / shard.name)
    return documents, pairs


def _write_without(shard: Path, place: Path, forgotten: Forgotten) -> None:
    """Copy a shard without the documents that are to be forgotten, row group by row group."""
    with parquet.ParquetFile(shard) as source, parquet.ParquetWriter(place, source.schema_arrow, compression="zstd") as target:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            columns = (table[name].to_pylist() for name in ("id", "text", "pair"))
            target.write_table(table.filter(pa.array([document not in forgotten for document in zip(*columns, strict=True)], pa.bool_())))
