"""How two corpora differ, document by document, in bounded memory.

Documents are compared by their ids, which are digests of texts and target. So a corrected document is one that was removed and one that was
added. Ids are read in parts, by their first digits, so that a part of both corpora fits into memory, however large they are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpora.shards import SPLITS, batches

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PART = 2_000_000
"""Documents of a corpus whose ids are in memory at once, about: 24 bytes each, several times."""

DIGITS = 3
"""Digits of an id by which it is assigned to a part: 4,096 parts at most."""

NAMED = 20
"""Documents of each kind that are named."""


@dataclass
class Difference:
    """What changed from one corpus to another."""

    added: Counter[str] = field(default_factory=Counter)
    """Documents by split that only the second corpus has in this split."""

    removed: Counter[str] = field(default_factory=Counter)
    """Documents by split that only the first has in this split."""

    kept: Counter[str] = field(default_factory=Counter)
    """Documents by split that both have in this split."""

    moved: int = 0
    """Documents that both have, in another split; they count as removed and as added too."""

    added_ids: list[tuple[str, str]] = field(default_factory=list)
    """The first `NAMED` of them, by split and id."""

    removed_ids: list[tuple[str, str]] = field(default_factory=list)


def compare_corpora(first: Path, second: Path, documents: int, part: int = PART) -> Difference:
    """Compare two corpora.

    Args:
        first: folder of the first corpus.
        second: folder of the second.
        documents: of the larger one.
        part: documents in memory at once, about.
    """
    parts = min(16**DIGITS, documents // part + 1)
    found = Difference()
    for number in range(parts):
        before, after = (_ids(folder, number, parts) for folder in (first, second))
        gone, new = [], []
        for split in SPLITS:
            shared = np.isin(after[split], before[split], assume_unique=True)
            left = before[split][~np.isin(before[split], after[split], assume_unique=True)]
            found.kept[split] += int(shared.sum())
            found.added[split] += int((~shared).sum())
            found.removed[split] += len(left)
            gone.append(left)
            new.append(after[split][~shared])
            _name(found.added_ids, split, new[-1])
            _name(found.removed_ids, split, left)
        found.moved += int(np.isin(np.concatenate(new), np.concatenate(gone)).sum())
    return found


def _ids(folder: Path, number: int, parts: int) -> dict[str, NDArray[np.bytes_]]:
    """The ids of one part, by split."""
    found: dict[str, list[NDArray[np.bytes_]]] = {split: [] for split in SPLITS}
    for split, batch in batches(folder, SPLITS, ("id",)):
        chosen = [one for one in batch.column("id").to_pylist() if int(one[:DIGITS], 16) % parts == number]
        found[split].append(np.array(chosen, "S24"))
    return {split: np.concatenate(arrays) if arrays else np.empty(0, "S24") for split, arrays in found.items()}


def _name(names: list[tuple[str, str]], split: str, ids: NDArray[np.bytes_]) -> None:
    names.extend((split, one.decode()) for one in ids[: max(0, NAMED - len(names))])
