"""Which documents of several sources are kept: no duplicates between them, and no more of each than its cap.

Sources are looked at in the order of the recipe. Of equal documents in one split, the first source that keeps one wins. What a cap
leaves out may still be kept by a later source. A cap keeps the documents with the smallest ids. An id is a digest of the texts, so new data
replaces few of the kept documents, and the choice says nothing about the split, which a salted digest decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.recipe.data import Data

OVER_CAP = "over_cap"
"""Reason of documents that a cap leaves out."""


class Cap(NamedTuple):
    """How much of a source is kept at most."""

    documents: int | None = None
    characters: int | None = None


class Origins(NamedTuple):
    """Which source each document is from."""

    sources: NDArray[np.int16]
    """[documents] place of its source in the recipe."""

    caps: tuple[Cap, ...]
    """Of each source."""


def caps_of(data: Data) -> tuple[Cap, ...]:
    """The caps of a recipe's sources; none for a recipe with one source."""
    return tuple(Cap(source.max_documents, source.max_characters) for source in (data.sources or {}).values())


def choose(
    same: NDArray[np.int64], ids: NDArray[np.uint8], chars: NDArray[np.int32], origins: Origins
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The documents that are not kept: duplicates, and those above a cap.

    Args:
        same: [documents] a number, the same for equal documents of one split.
        ids: [documents, 12] their ids.
        chars: [documents] characters of each.
        origins: their sources.

    Returns:
        Places of duplicates, and of documents above a cap.
    """
    taken = np.zeros(int(same.max(initial=-1)) + 1, np.bool_)
    duplicates, over = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for source, cap in enumerate(origins.caps):
        rows = np.flatnonzero(origins.sources == source)
        _, first = np.unique(same[rows], return_index=True)
        again = np.ones(len(rows), np.bool_)
        again[first] = False
        again |= taken[same[rows]]
        duplicates.append(rows[again])
        left = rows[~again]
        kept = left[_within(cap, ids[left], chars[left])]
        taken[same[kept]] = True
        over.append(np.setdiff1d(left, kept, assume_unique=True))
    return np.concatenate(duplicates), np.concatenate(over)


def _within(cap: Cap, ids: NDArray[np.uint8], chars: NDArray[np.int32]) -> NDArray[np.bool_]:
    """[documents] whether a cap keeps each."""
    # the first 8 bytes as one number: documents that agree in them stay in their order
    order = np.argsort(np.ascontiguousarray(ids[:, :8]).view(">u8")[:, 0], kind="stable")
    fits = np.ones(len(ids), np.bool_)
    if cap.documents is not None:
        fits[cap.documents :] = False
    if cap.characters is not None:
        fits &= np.cumsum(chars[order], dtype=np.int64) <= cap.characters
    kept = np.empty(len(ids), np.bool_)
    kept[order] = fits
    return kept
