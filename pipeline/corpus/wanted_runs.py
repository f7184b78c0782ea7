"""The runs of words by which texts of a test set or a benchmark are found in other documents.

Brown et al. 2020, "Language models are few-shot learners", appendix C, look for runs of 13 words, without case and punctuation, and of fewer
words (down to 8) in benchmarks with short texts. Here that is decided for each text: one of fewer words than a run is a run as a whole, if it
has 8 words. Shorter words in common say nothing, so an input of fewer than 8 words has to be the whole input of a document.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.near_copies import batches
from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document

SHORTEST = 8
"""Words that a run needs."""

MOST_PAIRS = 1 << 22
"""Pairs of a document and a text with a run in common that are counted at once: about 200 MB of memory."""


class Rule(NamedTuple):
    """When a document contains a text."""

    run: int
    """Words in a run."""

    share: float | None = None
    """Share of the runs of a text that the document has to contain; None: one run is enough."""

    fewest: int = 1
    """Runs that a text needs to be looked for."""

    answers: bool = False
    """Whether the targets of the test texts are looked for too."""

    short: bool = True
    """Whether texts with fewer words than a run are looked for."""


class WantedRuns(NamedTuple):
    """The runs of some texts."""

    rule: Rule
    hashes: NDArray[np.uint64]
    """[runs] sorted, each once."""

    runs: NDArray[np.int64]
    """[pairs] place of a run in ``hashes``, sorted; with ``owners`` the texts that have each run."""

    owners: NDArray[np.int64]
    """[pairs] place of a text."""

    counts: NDArray[np.int64]
    """[texts] different runs of each text; 0 for one that is not looked for."""

    sizes: tuple[int, ...]
    """The numbers of words that runs have."""

    whole: dict[str, int]
    """Inputs that have to be whole ones, by their key: its hash in ``hashes``."""

    def containing(self, rows: NDArray[np.int64], hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The documents that contain a text, each once, in order.

        Args:
            rows: [found] a document that contains a run, in order.
            hashes: [found] the run; each pair once. Runs of other rules are ignored.
        """
        mine = in_sorted(hashes, self.hashes)
        rows = rows[mine]
        if self.rule.share is None:
            return np.unique(rows)
        places = np.searchsorted(self.hashes, hashes[mine])
        first = np.searchsorted(self.runs, places)
        times = np.searchsorted(self.runs, places, side="right") - first
        done = np.cumsum(times)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))  # where each document begins
        found: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        while len(starts):
            # as many documents as make no more pairs than that, and at least one
            most = (done[starts[0] - 1] if starts[0] else 0) + MOST_PAIRS
            more = starts[1:][done[starts[1:] - 1] <= most]
            end = starts[len(more) + 1] if len(more) + 1 < len(starts) else len(rows)
            part = slice(starts[0], end)
            found.append(self._alike(rows[part], first[part], times[part], self.rule.share))
            starts = starts[len(more) + 1 :]
        return np.concatenate(found)

    def _alike(self, rows: NDArray[np.int64], first: NDArray[np.int64], times: NDArray[np.int64], share: float) -> NDArray[np.int64]:
        """The documents that contain so much of a text; for each found run, where its texts begin in ``owners``, and how many there are."""
        place = np.repeat(first - np.cumsum(times) + times, times) + np.arange(times.sum())
        pairs, runs = np.unique(np.repeat(rows, times) * len(self.counts) + self.owners[place], return_counts=True)
        documents, texts = np.divmod(pairs, len(self.counts))
        return np.unique(documents[runs >= share * self.counts[texts]])


def wanted_runs(documents: Iterable[Document], rule: Rule) -> WantedRuns:
    """Hash the texts to look for; memory is about 24 bytes for each of their words.

    Args:
        documents: the test texts.
        rule: when a document contains one.
    """
    hashes: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    owners: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    whole: dict[str, int] = {}
    sizes = {rule.run}
    count = 0
    for batch in batches(documents):
        for size, places, keys in _by_size(batch, rule):
            found = hash_runs(keys, size)
            sizes.add(size)
            hashes.append(found.hashes)
            owners.append(count + np.array(places, np.int64)[found.texts])
        for place, document in enumerate(batch if rule.short else ()):
            key = whole_key(document)
            if key and len(key.split()) < min(SHORTEST, rule.run):
                whole[key] = _whole_hash(key)
                hashes.append(np.array([whole[key]], np.uint64))
                owners.append(np.array([count + place], np.int64))
        count += len(batch)
    known, runs = np.unique(np.concatenate(hashes), return_inverse=True)
    pairs = np.unique(np.stack((runs, np.concatenate(owners)), axis=1), axis=0)
    counts = np.bincount(pairs[:, 1], minlength=count)
    counts[counts < rule.fewest] = 0
    pairs = pairs[counts[pairs[:, 1]] > 0]
    kept, runs = np.unique(pairs[:, 0], return_inverse=True)
    return WantedRuns(rule, known[kept], runs, pairs[:, 1], counts, tuple(sorted(sizes)), whole)


def in_sorted(values: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """[values] whether each is among some sorted ones; much faster than `numpy.isin` where there are few values."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values)


def whole_key(document: Document) -> str:
    """The words of a whole input."""
    return " ".join(word_key(part) for part in (document.text, document.pair) if part)


def _by_size(batch: Sequence[Document], rule: Rule) -> Iterator[tuple[int, list[int], list[str]]]:
    """The texts of some documents by the words in their runs: that number, places of the documents, and keys."""
    found: dict[int, tuple[list[int], list[str]]] = {}
    for place, document in enumerate(batch):
        for part in (document.text, document.pair, document.target if rule.answers else None):
            key = word_key(part) if part else ""
            size = min(rule.run, key.count(" ") + 1)
            if size == rule.run or (rule.short and size >= SHORTEST):
                places, keys = found.setdefault(size, ([], []))
                places.append(place)
                keys.append(key)
    for size, (places, keys) in sorted(found.items()):
        yield size, places, keys


def _whole_hash(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
