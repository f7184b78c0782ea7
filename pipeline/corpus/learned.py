"""The part of a corpus that a model learned from, taken over into a corpus of fresh examples.

A corpus of fresh examples has the training documents of that other corpus, byte for byte, and the fresh records as its test split. So
classes and baselines are what they were when the model was trained, and equal shards are stored once.
"""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING

from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.splitting import TRAIN, VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.splitting import Splitter
    from pipeline.tasks.base import TaskExamples


def take_over_training(learned: Path, output: Path, examples: TaskExamples, splitter: Splitter) -> tuple[int, int]:
    """Copy the training documents of a corpus, and note the keys of all documents that a model saw in training or validation.

    Args:
        learned: folder of the corpus that the model learned from.
        output: folder of the corpus of fresh examples.
        examples: takes note of the training documents, e.g. of their classes.
        splitter: takes note of the keys.

    Returns:
        Training documents, and those of them that have a target.
    """
    documents = pairs = 0
    for split in (TRAIN, VALIDATION):
        for document in read_documents(learned, split):
            splitter.remember(split, examples.split_keys(document))
            if split == TRAIN:
                examples.add(document, split)
                documents += 1
                pairs += document.target is not None
    for shard in shard_paths(learned, TRAIN):
        copyfile(shard, output / shard.name)
    return documents, pairs
