"""The part of a corpus that a model learned from, taken over into a corpus of fresh examples.

A corpus of fresh examples has the training documents of that other corpus, byte for byte, and the fresh records as its test split. So
classes and baselines are what they were when the model was trained, and equal shards are stored once.
"""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.decide import KnownKeys
from pipeline.corpus.near_copies import batches
from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.signatures import sign
from pipeline.corpus.splitting import TRAIN, VALIDATION, key_digest

if TYPE_CHECKING:
    from pathlib import Path

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


def take_over_training(learned: Path, output: Path, examples: TaskExamples, salt: str, *, signed: bool) -> Learned:
    """Copy the training documents of a corpus, and note the keys of all documents that a model saw in training or validation.

    Args:
        learned: folder of the corpus that the model learned from.
        output: folder of the corpus of fresh examples.
        examples: takes note of the training documents, e.g. of their classes.
        salt: of the digests of keys.
        signed: whether signatures are asked for.
    """
    documents = pairs = 0
    found: dict[str, set[bytes]] = {TRAIN: set(), VALIDATION: set()}
    for split in (TRAIN, VALIDATION):
        for document in read_documents(learned, split):
            keys = examples.split_keys(document)
            found[split].update(key_digest(salt, key) for key in (keys.decides, keys.also) if key is not None)
            if split == TRAIN:
                examples.add(examples.note(document), split)
                documents += 1
                pairs += document.target is not None
    for shard in shard_paths(learned, TRAIN):
        copyfile(shard, output / shard.name)
    signatures = (
        [each for split in found for batch in batches(read_documents(learned, split)) for each in sign(batch) if each] if signed else []
    )
    return Learned(documents, pairs, KnownKeys(frozenset(found[TRAIN]), frozenset(found[VALIDATION])), signatures)
