"""Near copies: documents most of whose words, in runs of eight, are in the training text.

A document is a near copy if at least 70 % of its runs of eight words occur anywhere in the texts and answers of training. Chowdhery et al. 2022,
"PaLM", section 8, use the same two numbers. Brown et al. 2020, "Language models are few-shot learners", appendix C, take 8 to 13 words, and one
run in common is enough there; in a corpus with templates and licences, one run says little.

Training is read once. Memory is bounded by the documents that are looked for: of a long one, those runs are looked for that have the smallest
hashes, which is a random choice that does not depend on the training text.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.shards import size_of
from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document

RUN = 8
"""Words in a run."""

SHARE = 0.7
"""Share of a document's runs that makes it a near copy."""

FEWEST_RUNS = 8
"""Runs that a document needs for `SHARE` to mean anything: 15 words. A shorter one is never a near copy."""

BATCH_CHARS = 1_000_000
"""Characters of training text that are hashed at once: about 60 MB of memory. An image counts by its bytes."""

FILTER_BITS = 24
"""A table of 2^24 flags tells most other runs of training from those that are looked for, without a search."""


class NearCopies:
    """Looks for documents in the training text."""

    def __init__(self, wanted: Iterable[Document], most_runs: int) -> None:
        """Hash the documents to look for.

        Args:
            wanted: the documents.
            most_runs: runs of one document that are looked for: the share is known with a standard error of at most 0.5 / sqrt(most_runs), and a
                document takes 24 bytes for each.
        """
        hashes, counts = [], []
        for document in wanted:
            inputs = [word_key(part) for part in (document.text, document.pair) if part]
            found = np.unique(hash_runs(inputs, RUN).hashes)[:most_runs]
            hashes.append(found)
            counts.append(len(found))
        self.runs = np.array(counts, dtype=np.int64)
        """[documents] runs that are looked for."""
        self._document = np.repeat(np.arange(len(counts)), self.runs)
        self._known, self._place = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes]), return_inverse=True)
        self._first = np.full(len(self._known), -1, dtype=np.int64)
        self._sources: list[str] = []
        self._flags = np.zeros(1 << FILTER_BITS, dtype=np.bool_)
        self._flags[_flag(self._known)] = True

    def read(self, documents: Sequence[Document]) -> None:
        """Look at some documents of training."""
        parts = [(number, part) for number, document in enumerate(documents) for part in _parts(document)]
        hashes, texts = hash_runs([word_key(part) for _, part in parts], RUN)
        likely = self._flags[_flag(hashes)]
        hashes, texts = hashes[likely], texts[likely]
        if not len(hashes):
            return
        places = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
        new = (self._known[places] == hashes) & (self._first[places] < 0)
        fresh, at = np.unique(places[new], return_index=True)
        owners = np.array([number for number, _ in parts])[texts[new][at]]
        numbered, inverse = np.unique(owners, return_inverse=True)
        self._first[fresh] = len(self._sources) + inverse
        self._sources += [documents[owner].name or documents[owner].id for owner in numbered.tolist()]

    def shares(self) -> NDArray[np.float64]:
        """[documents] share of the runs of each document that training has."""
        hits = np.bincount(self._document[self._first[self._place] >= 0], minlength=len(self.runs))
        return np.asarray(hits / np.maximum(self.runs, 1))

    def near(self) -> NDArray[np.bool_]:
        """[documents] whether each is a near copy."""
        return np.asarray((self.runs >= FEWEST_RUNS) & (self.shares() >= SHARE))

    def source(self, place: int) -> str:
        """Name, or else id, of the training document in which most runs of a document were found first; empty if none was."""
        seen = self._first[self._place[self._document == place]]
        counted = Counter(seen[seen >= 0].tolist()).most_common(1)
        return self._sources[counted[0][0]] if counted else ""


def batches(documents: Iterable[Document]) -> Iterable[list[Document]]:
    """Documents in batches of about `BATCH_CHARS` characters."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += size_of(document)
        if size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    yield batch


def _flag(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return hashes >> np.uint64(64 - FILTER_BITS)


def _parts(document: Document) -> list[str]:
    """The texts of a training document."""
    return [part for part in (document.text, document.pair, document.target) if part]
