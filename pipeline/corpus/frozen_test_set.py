"""A frozen test set, and its place in the corpora of a recipe: taken over byte for byte, and known by no document of training.

`pipeline.corpus.make_test_set` makes it of a source of its own. Nothing about training decides which documents it has, so it stays the same
while training data come and go.
"""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.corpus.decide import KEPT
from pipeline.corpus.near_copies import batches
from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.signatures import sign
from pipeline.corpus.splitting import TEST, key_digest
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.tasks.base import TaskExamples

IN_TEST_SOURCE = "in_test_source"
"""Reason why a document is filtered: the test set has its input, or its answer where that decides."""


class Frozen(NamedTuple):
    """A test set that was taken over."""

    documents: int
    pairs: int
    """Those that have a target."""

    keys: list[bytes]
    """Digests of all their keys, sorted."""

    signatures: list[bytes]
    """Signatures of these documents; empty unless they are asked for."""

    notes: list[tuple[str, str | None]]
    """Id of each document, and what the task must know of it."""


def take_over_test_set(folder: Path, output: Path, examples: TaskExamples, salt: str, *, signed: bool) -> Frozen:
    """Copy the shards of a test set, and note what must not be in training.

    Args:
        folder: of the test set.
        output: of the corpus.
        examples: knows what decides about a document.
        salt: of the digests of keys.
        signed: whether signatures are asked for.
    """
    keys: set[bytes] = set()
    notes: list[tuple[str, str | None]] = []
    signatures: list[bytes] = []
    pairs = 0
    for batch in batches(read_documents(folder, TEST)):
        for document in batch:
            found = examples.split_keys(document)
            keys.update(key_digest(salt, key) for key in (found.decides, found.also) if key is not None)
            notes.append((document.id, examples.note(document)))
            pairs += document.target is not None
        if signed:
            signatures += [each for each in sign(batch) if each]
    for shard in shard_paths(folder, TEST):
        copyfile(shard, output / shard.name)
    return Frozen(len(notes), pairs, sorted(keys), signatures, notes)


def drop_equal(decisions: Decisions, keys: KeyColumns, frozen: Frozen) -> None:
    """Drop documents that share a key with the test set.

    Args:
        decisions: about all documents of the source; changed.
        keys: of all documents.
        frozen: the test set.
    """
    known = pa.array(frozen.keys, keys["decides"].type)
    shared = np.asarray(pc.is_in(keys["decides"], value_set=known)) | np.asarray(pc.is_in(keys["also"], value_set=known))
    decisions.drop(np.flatnonzero(shared & (decisions.outcomes == KEPT)), IN_TEST_SOURCE)


def add_frozen(frozen: Frozen, examples: TaskExamples) -> None:
    """Let the task take note of the test set, after training.

    Raises:
        BadInput: the task cannot have one of the documents. It is not dropped: then the test set would depend on training.
    """
    for document, note in frozen.notes:
        reason = examples.add(note, TEST)
        if reason:
            raise BadInput(
                f"document {document} of data.test_source cannot be tested: {reason.replace('_', ' ')}",
                "classes that training has",
                "add training documents of its class, or correct data.test_source",
            )
