"""What a corpus says about test texts that were found in its source: ``contamination.json``, counts and a few excerpts of each set."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.corpus import CONTAMINATION
from pipeline.corpus.wanted_runs import in_sorted, whole_key
from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.corpus.wanted_runs import WantedRuns


class Example(NamedTuple):
    """A document that was dropped."""

    id: str
    name: str
    split: str
    """The split that it left."""

    words: str
    """The first words in it that a test text has too, as they are compared."""

    test_text: str
    """Name, or else id, of that text."""


class SetFound(NamedTuple):
    """What was found of one set of test texts."""

    name: str
    reason: str
    """Under which name documents were filtered."""

    wanted: WantedRuns
    documents: int
    """Documents that contain texts of the set."""

    common: int
    """Runs that did not count, because too many documents have them."""

    examples: Sequence[Example]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rule = self.wanted.rule
        return {
            "name": self.name,
            "reason": self.reason,
            "ngram": rule.run,
            "share": rule.share,
            "texts": len(self.wanted.counts),
            "not_looked_for": int((self.wanted.counts == 0).sum()),
            "common_ngrams": self.common,
            "documents": self.documents,
            "examples": [each._asdict() for each in self.examples],
        }


def write_report(found: Iterable[SetFound], folder: Path) -> None:
    """Write the file.

    Args:
        found: each set of test texts.
        folder: of the corpus.
    """
    rows = [each.to_json() for each in found]
    (folder / CONTAMINATION).write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def make_example(document: Document, split: str, wanted: WantedRuns, common: NDArray[np.uint64], texts: Iterable[Document]) -> Example:
    """Show what a document and a test text have in common.

    Args:
        document: that was dropped.
        split: the split that it left.
        wanted: the runs of the test texts.
        common: runs that do not count.
        texts: the test texts.
    """
    found = dict(_found(document, wanted))
    runs = np.array(list(found), np.uint64)
    runs = runs[~in_sorted(runs, common)]
    places = np.searchsorted(wanted.hashes, runs)
    owners = wanted.owners[np.isin(wanted.runs, places)]
    text = next(islice(texts, int(np.bincount(owners).argmax()), None))
    return Example(document.id, document.name, split, found[int(runs[0])], text.name or text.id)


def _found(document: Document, wanted: WantedRuns) -> Iterator[tuple[int, str]]:
    """The runs in a document that are wanted, and their words, text by text and size by size in the order of the words."""
    for part in filter(None, (document.text, document.pair, document.target)):
        key = word_key(part)
        words = key.split(" ")
        for size in wanted.sizes:
            hashes = hash_runs([key], size).hashes
            for place in np.flatnonzero(in_sorted(hashes, wanted.hashes)).tolist():
                yield int(hashes[place]), " ".join(words[place : place + size])
    key = whole_key(document)
    if key in wanted.whole:
        yield wanted.whole[key], key
