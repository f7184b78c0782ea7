"""Near duplicates: clusters of documents that resemble each other, none of which is in two splits.

Locality-sensitive hashing finds the pairs to look at (Leskovec, Rajaraman and Ullman, "Mining of massive datasets", section 3.4): a
signature is cut into bands, and documents that agree in a whole band are compared by their signatures. Pairs from a resemblance on are
joined, and what is joined forms a cluster.

A cluster stays in one split: that of training if a document of it is there, else validation, test, held-out. Its documents in other
splits are dropped. So training loses no document to another split, and no document moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.signatures import PLACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.corpus.signature_planes import SignaturePlanes

RECALL = 0.99
"""Share of the pairs at the wanted resemblance that agree in a band."""

MOST_ROWS = 8
"""Places in a band: they make one number of 64 bits."""

BUCKETS = 1 << 21
"""Most buckets in which documents are counted: 16 MB of memory."""


def find_clusters(signatures: SignaturePlanes, near: float) -> NDArray[np.int64]:
    """The cluster of each document: the place of its first document.

    Args:
        signatures: of all documents.
        near: resemblance from which two documents are near duplicates.
    """
    first = np.arange(signatures.count)
    rows = rows_of_a_band(near)
    for start in range(0, PLACES - rows + 1, rows):
        pairs = _pairs(signatures.band(start, rows), first)
        _join(first, pairs[signatures.resemblance(pairs) >= near])
        while (first != first[first]).any():
            first = first[first]
    return first


def rows_of_a_band(near: float) -> int:
    """Places in a band: as many as still find nearly all pairs."""
    for rows in range(MOST_ROWS, 1, -1):
        if 1 - (1 - near**rows) ** (PLACES // rows) >= RECALL:
            return rows
    return 1


def dropped_of_clusters(clusters: NDArray[np.int64], splits: NDArray[np.int8], *, keep_all: bool) -> NDArray[np.bool_]:
    """[documents] whether each leaves the corpus.

    Args:
        clusters: [documents] the cluster of each, as a number.
        splits: [documents] the split of each, as a place in `pipeline.corpus.splitting.SPLITS`: the smallest of a cluster keeps it.
        keep_all: whether all documents of that split stay, or the first.
    """
    best = np.full(len(clusters), len(splits), np.int64)
    np.minimum.at(best, clusters, splits)
    dropped = splits > best[clusters]
    if not keep_all:
        places = np.flatnonzero(~dropped)
        _, first = np.unique(clusters[places], return_index=True)
        others = np.ones(len(places), np.bool_)
        others[first] = False
        dropped[places[others]] = True
    return np.asarray(dropped)


def _pairs(keys: NDArray[np.uint64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """[pairs, 2] documents that agree in a band: each with the first of them, and with the one before it.

    Args:
        keys: [documents] a band of each signature.
        first: [documents] the cluster of each; those of one cluster need not be compared.
    """
    count = len(keys)
    # most documents share a band with no other, as a count of its lowest bits shows for most of these: sorting takes much longer
    buckets = (keys & np.uint64(min(BUCKETS, 4 << count.bit_length()) - 1)).astype(np.int64)
    shared = np.flatnonzero((np.bincount(buckets) > 1)[buckets])
    keys = keys[shared]
    order = np.argsort(keys, kind="stable")
    begins = np.ones(len(keys), np.bool_)
    begins[1:] = keys[order[1:]] != keys[order[:-1]]
    heads = np.maximum.accumulate(np.where(begins, np.arange(len(keys)), 0))
    inside = np.flatnonzero(~begins)
    places = shared[order]
    before = np.concatenate((places[heads[inside]], places[inside - 1]))
    after = np.tile(places[inside], 2)
    apart = first[before] != first[after]
    numbered = np.unique(before[apart] * count + after[apart])
    return np.stack(np.divmod(numbered, max(1, count)), axis=1)


def _join(first: NDArray[np.int64], pairs: NDArray[np.int64]) -> None:
    """Join the clusters of pairs: each round points the later root of a pair to the earlier one, until all pairs have one root."""
    one, other = _roots(first, pairs[:, 0]), _roots(first, pairs[:, 1])
    while (apart := one != other).any():
        one, other = one[apart], other[apart]
        np.minimum.at(first, np.maximum(one, other), np.minimum(one, other))
        one, other = _roots(first, one), _roots(first, other)


def _roots(first: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first document of each one's cluster."""
    found = first[places]
    while (found != (next_found := first[found])).any():
        found = next_found
    return found
