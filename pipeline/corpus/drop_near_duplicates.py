"""Drop near duplicates among the documents of a corpus (`pipeline.corpus.near_duplicates`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.corpus.decide import KEPT, fixed_bytes
from pipeline.corpus.freed_memory import give_back_freed_memory
from pipeline.corpus.key_columns import BLOCK
from pipeline.corpus.near_duplicates import dropped_of_clusters, find_clusters
from pipeline.corpus.signature_planes import SignaturePlanes
from pipeline.corpus.signatures import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.decide import Decisions
    from pipeline.corpus.key_columns import KeyColumns
    from pipeline.recipe.deduplication import Deduplication

log = logging.getLogger(__name__)

BEFORE_ALL = -1
"""Stands for the split of documents that stay, whatever else is in their cluster."""


def drop_near_duplicates(decisions: Decisions, keys: KeyColumns, rules: Deduplication, learned: Sequence[bytes], scratch: Path) -> None:
    """Filter all but one document of each cluster, or those of other splits than its own.

    Args:
        decisions: about all documents; changed.
        keys: of all documents, with signatures.
        rules: of the recipe.
        learned: signatures of documents that are in the corpus already: those that a model learned from, or those of a frozen test set. They stay,
            and what is in a cluster with them does not.
        scratch: folder for the signatures.
    """
    # what comes takes tens of bytes of a document, on top of what reading and deciding freed and glibc still has; then rows are written
    give_back_freed_memory()
    places = _dropped(decisions, keys, rules, learned, scratch)
    give_back_freed_memory()
    decisions.near_duplicates = decisions.drop(places, "near_duplicate")
    log.info("near duplicates left out: %s", ", ".join(f"{split} {times}" for split, times in decisions.near_duplicates.items()))


def _dropped(decisions: Decisions, keys: KeyColumns, rules: Deduplication, learned: Sequence[bytes], scratch: Path) -> NDArray[np.int64]:
    """Places of the documents that leave the corpus."""
    assert rules.near is not None  # noqa: S101 - documents have no signatures otherwise
    signed = [np.asarray(block.is_valid()) for block in keys.blocks("signature")]
    asked = np.concatenate([np.empty(0, np.bool_), *signed]) & (decisions.outcomes == KEPT)
    signatures = SignaturePlanes(scratch / "signatures", len(learned) + int(asked.sum()), _blocks(learned, keys, asked))
    splits = np.concatenate((np.full(len(learned), BEFORE_ALL, np.int8), decisions.splits[asked]))
    dropped = dropped_of_clusters(find_clusters(signatures, rules.near), splits, keep_all=rules.keep == "all")
    return np.flatnonzero(asked)[dropped[len(learned) :]]


def _blocks(learned: Sequence[bytes], keys: KeyColumns, asked: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """The signatures that are given, then those of the documents that are asked for."""
    for start in range(0, len(learned), BLOCK):
        yield np.frombuffer(b"".join(learned[start : start + BLOCK]), np.uint8).reshape(-1, PLACES)
    start = 0
    for block in keys.blocks("signature"):
        yield fixed_bytes(pa.chunked_array([block]), PLACES)[asked[start : start + len(block)]]
        start += len(block)
