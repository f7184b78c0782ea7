"""Drop near duplicates among the documents of a corpus (`pipeline.corpus.near_duplicates`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.corpus.decide import KEPT, fixed_bytes
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
    assert rules.near is not None  # noqa: S101 - documents have no signatures otherwise
    asked: list[NDArray[np.int64]] = []
    most = len(learned) + int((decisions.outcomes == KEPT).sum())
    signatures = SignaturePlanes(scratch / "signatures", most, _blocks(learned, keys, decisions, asked))
    places = np.concatenate([np.empty(0, np.int64), *asked])
    splits = np.concatenate((np.full(len(learned), BEFORE_ALL, np.int8), decisions.splits[places]))
    dropped = dropped_of_clusters(find_clusters(signatures, rules.near), splits, keep_all=rules.keep == "all")[len(learned) :]
    decisions.near_duplicates = decisions.drop(places[dropped], "near_duplicate")
    log.info("near duplicates left out: %s", ", ".join(f"{split} {times}" for split, times in decisions.near_duplicates.items()))


def _blocks(
    learned: Sequence[bytes], keys: KeyColumns, decisions: Decisions, asked: list[NDArray[np.int64]]
) -> Iterator[NDArray[np.uint8]]:
    """All signatures; the places of the documents are added to ``asked``."""
    for start in range(0, len(learned), BLOCK):
        yield np.frombuffer(b"".join(learned[start : start + BLOCK]), np.uint8).reshape(-1, PLACES)
    start = 0
    for column in keys.blocks("signature"):
        stays = (decisions.outcomes[start : start + len(column)] == KEPT) & np.asarray(column.is_valid())
        asked.append(start + np.flatnonzero(stays))
        yield fixed_bytes(pa.chunked_array([column]), PLACES)[stays]
        start += len(column)
