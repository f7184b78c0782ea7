"""MinHash signatures: a few bytes for each document, by which near duplicates are found without comparing texts.

Broder 1997, "On the resemblance and containment of documents": for a random order of all runs of words, the probability that two texts
have the same smallest run is their resemblance, the number of runs that both have over the number that one of them has. A signature
holds the smallest run of each of 120 orders, and of its hash the last byte (Li and König 2010, "b-bit minwise hashing"). Equal places of
two signatures over 120 then estimate the resemblance, with a standard error of at most 0.046.

An order is a multiplication of the run's hash by a random odd number, modulo 2^64, of which the upper half counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document

RUN = 5
"""Words in a run."""

FEWEST_RUNS = 8
"""Runs that a text needs for a signature: 12 words. A shorter text has no near duplicates."""

PLACES = 120
"""Bytes of a signature."""

BATCH_CHARS = 500_000
"""Characters that are hashed at once: about 30 MB of memory."""

MULTIPLIERS = np.random.default_rng(2021).integers(2**64, size=PLACES, dtype=np.uint64) | np.uint64(1)


def sign(documents: Sequence[Document]) -> list[bytes | None]:
    """The signature of each document's input; None for a short one."""
    found: list[bytes | None] = []
    for batch in _batches([" ".join(filter(None, (document.text, document.pair))) for document in documents]):
        found += _sign([word_key(text) for text in batch])
    return found


def _sign(keys: Sequence[str]) -> list[bytes | None]:
    runs = hash_runs(keys, RUN)
    counts = np.bincount(runs.texts, minlength=len(keys))
    signed = np.flatnonzero(counts)
    if not len(signed):
        return [None] * len(keys)
    # the runs of a text stand together, so those of the next text begin where its own end
    starts = np.concatenate(([0], np.cumsum(counts[signed])[:-1]))
    places = np.empty((len(signed), PLACES), np.uint8)
    for place, multiplier in enumerate(MULTIPLIERS):
        smallest = np.minimum.reduceat((runs.hashes * multiplier) >> np.uint64(32), starts)
        places[:, place] = smallest & np.uint64(255)
    found: list[bytes | None] = [None] * len(keys)
    for text, row in zip(signed.tolist(), places, strict=True):
        if counts[text] >= FEWEST_RUNS:
            found[text] = row.tobytes()
    return found


def estimate(equal: NDArray[np.integer]) -> NDArray[np.float64]:
    """[pairs] estimated resemblance of two texts each, of whose signatures so many places are equal."""
    # one in 256 places is equal by chance
    return np.asarray((equal / PLACES - 1 / 256) / (1 - 1 / 256))


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
