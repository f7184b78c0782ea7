"""How often the training documents of a source are read in each pass: the weights of a recipe with several sources.

A corpus has each document once, so contamination, duplicates, forgetting and every figure about documents know of no repetition, and another
weight changes neither corpus nor test set. The token shards of training have the documents as often as the weight says: all of them so many times,
and those that a hash chooses once more. A shard is encoded once, and again for the chosen documents only. Then shards are joined in the order of
the corpus (docs/decisions/0017-weights-repeat-tokens.md).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpus.read_corpus import shard_paths
from pipeline.corpus.splitting import TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.recipe.mixture import Weights

DIGITS = 9
"""Decimal digits of a weight that count: 1.1 - 1 is 0.1."""


class Reading(NamedTuple):
    """How often the documents of a shard are read in a pass."""

    times: int = 1
    """All of them."""

    share: float = 0.0
    """Share of them that is read once more."""

    @classmethod
    def of(cls, weight: float) -> Reading:
        """What a weight asks for."""
        times = int(weight)
        return cls(times, round(weight - times, DIGITS))


def readings(corpus: Path, weights: Weights | None) -> dict[str, Reading]:
    """How each shard of training is read that is not read once, by its file name.

    Args:
        corpus: folder of the corpus.
        weights: of the recipe.
    """
    if weights is None:
        return {}
    found = {shard: weights.by_source.get(source, 1.0) for shard, source in sources_of_shards(corpus).items()}
    return {shard: Reading.of(weight) for shard, weight in found.items() if shard.startswith(f"{TRAIN}-") and weight != 1}


class Piece(NamedTuple):
    """A shard, or a share of its documents, that is encoded once."""

    split: str
    shard: Path
    share: float
    """Of its documents."""

    times: int
    """How often it is in the token shards."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.shard.stem if self.share == 1 else f"{self.shard.stem}-again"


def pieces(corpus: Path, readings: Mapping[str, Reading]) -> list[Piece]:
    """What is encoded of train and validation, in order.

    Args:
        corpus: folder of the corpus.
        readings: how each shard is read that is not read once, by its file name.
    """
    found = []
    for split in (TRAIN, VALIDATION):
        for shard in shard_paths(corpus, split):
            times, share = readings.get(shard.name, Reading())
            found += [Piece(split, shard, 1.0, times)] * (times > 0)
            found += [Piece(split, shard, share, 1)] * (share > 0)
    return found


def is_chosen(document: str, share: float, purpose: str = "weight") -> bool:
    """Whether a document belongs to this share of all; with a larger share, it still does.

    Args:
        document: its id.
        share: from 0 to 1.
        purpose: shares for different purposes have nothing in common.
    """
    return draw(document, purpose) < share * 2.0**64


def draw(document: str, purpose: str) -> int:
    """A number below 2^64 that stands for a document. It is not its id: caps choose by that, so the ids of what they keep are small."""
    return int.from_bytes(hashlib.sha256(f"{purpose}\x00{document}".encode()).digest()[:8])
