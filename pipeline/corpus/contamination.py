"""Contamination: how many test examples the training text contains, word for word or nearly.

Splits share no input (`pipeline.corpus.splitting`). But a document of training can quote a test example, or be a near copy of it. A model
that remembers such a text scores better than it is. So the train split is read once, and each test example is looked for in it:

- *exact*: the whole input is the input of a training document, after the normalisation of deduplication;
- *near*: at least 70 % of the input's runs of eight words occur anywhere in the texts and answers of training (Chowdhery et al. 2022, "PaLM",
  section 8, who use the same two numbers). Brown et al. 2020, "Language models are few-shot learners", appendix C, take 8 to 13 words, and one run in
  common is enough there; with templates and licences in a corpus, one run says little.

An input of fewer than `FEWEST_RUNS` runs can only be exact. Memory is bounded by the test examples: of a long one `MOST_RUNS` runs are looked
for, those with the smallest hashes. That gives the share with a standard error of at most 0.022.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.corpus.keys import input_key
from pipeline.corpus.normalise import comparison_key
from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document

RUN = 8
"""Words in a run."""

SHARE = 0.7
"""Share of an example's runs that makes it a near copy."""

FEWEST_RUNS = 8
"""Runs that an example needs for `SHARE` to mean anything: 15 words."""

MOST_RUNS = 512
"""Runs of one example that are looked for."""

BATCH_CHARS = 1_000_000
"""Characters of training text that are hashed at once: about 60 MB of memory."""

SHOWN = 20
"""Contaminated examples that the report names."""

FILTER_BITS = 24
"""A table of 2^24 flags tells most runs of training from those of the test set, without a search."""


class Found(NamedTuple):
    """A test example that training contains."""

    id: str
    name: str
    text: str

    share: float
    """Share of its runs that occur in training; 1 for an exact copy."""

    exact: bool
    source: str
    """Name, or else id, of the training document that has most of it."""


@dataclass(frozen=True)
class Contamination:
    """What was found."""

    examples: int
    exact: int
    """Examples whose input is that of a training document."""

    answered: int
    """Of these, examples whose answer is that document's too."""

    near: int
    """Further examples that are near copies."""

    short: int
    """Examples that are too short to be near copies."""

    found: tuple[Found, ...]
    """Exact copies first, then those with the largest share."""

    def to_json(self) -> dict[str, Any]:
        """The entry of `report.json`."""
        rules = {"run": RUN, "share": SHARE}
        counts = {name: getattr(self, name) for name in ("examples", "exact", "answered", "near", "short")}
        return {**rules, **counts, "found": [each._asdict() for each in self.found]}


def find_contamination(examples: Sequence[Document], training: Iterable[Document]) -> Contamination:
    """Look for test examples in the training text, in one pass over it.

    Args:
        examples: the scored test examples.
        training: all documents of the train split.
    """
    search = _Search(examples)
    batch: list[Document] = []
    size = 0
    for document in training:
        batch.append(document)
        size += sum(len(part) for part in _parts(document))
        if size >= BATCH_CHARS:
            search.read(batch)
            batch, size = [], 0
    search.read(batch)
    return search.result()


@dataclass
class _Search:
    """The runs and inputs of the test examples, and what was found of them."""

    examples: Sequence[Document]
    inputs: dict[str, list[int]] = field(default_factory=dict)
    """Key of an input → places of the examples that have it."""
    exact: dict[int, str] = field(default_factory=dict)
    """Place of an example → the training document with its input."""
    answered: set[int] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    """Training documents in which a run was found first."""

    def __post_init__(self) -> None:
        for place, example in enumerate(self.examples):
            self.inputs.setdefault(input_key(example), []).append(place)
        runs, self.of = _chosen_runs(self.examples)
        self.known, self.place = np.unique(runs, return_inverse=True)
        self.first = np.full(len(self.known), -1, dtype=np.int64)
        self.flags = np.zeros(1 << FILTER_BITS, dtype=np.bool_)
        self.flags[_flag(self.known)] = True

    def read(self, documents: Sequence[Document]) -> None:
        """Look at some documents of training."""
        keys: list[str] = []
        owners: list[int] = []
        for number, document in enumerate(documents):
            self._compare(document)
            parts = [word_key(part) for part in _parts(document)]
            keys += parts
            owners += [number] * len(parts)
        hashes, texts = hash_runs(keys, RUN)
        likely = self.flags[_flag(hashes)]
        hashes, texts = hashes[likely], texts[likely]
        if not len(hashes):
            return
        places = np.minimum(np.searchsorted(self.known, hashes), len(self.known) - 1)
        new = (self.known[places] == hashes) & (self.first[places] < 0)
        fresh, at = np.unique(places[new], return_index=True)
        numbers: dict[int, int] = {}
        for place, text in zip(fresh, texts[new][at], strict=True):
            owner = owners[text]
            if owner not in numbers:
                numbers[owner] = len(self.sources)
                self.sources.append(_name(documents[owner]))
            self.first[place] = numbers[owner]

    def _compare(self, document: Document) -> None:
        """Note the examples with the input of a training document."""
        for place in self.inputs.get(input_key(document), ()):
            self.exact.setdefault(place, _name(document))
            target = self.examples[place].target
            if target is not None and document.target is not None and comparison_key(target) == comparison_key(document.target):
                self.answered.add(place)

    def result(self) -> Contamination:
        """Count and choose what to show."""
        count = len(self.examples)
        seen = self.first[self.place]
        runs, hits = np.bincount(self.of, minlength=count), np.bincount(self.of[seen >= 0], minlength=count)
        shares = hits / np.maximum(runs, 1)
        near = [place for place in np.flatnonzero((runs >= FEWEST_RUNS) & (shares >= SHARE)).tolist() if place not in self.exact]
        order = [*sorted(self.exact), *sorted(near, key=lambda place: (-shares[place], place))][:SHOWN]
        return Contamination(
            examples=count,
            exact=len(self.exact),
            answered=len(self.answered),
            near=len(near),
            short=int((runs < FEWEST_RUNS).sum()),
            found=tuple(self._found(place, float(shares[place]), seen[self.of == place]) for place in order),
        )

    def _found(self, place: int, share: float, seen: NDArray[np.int64]) -> Found:
        example, exact = self.examples[place], place in self.exact
        source = self.exact[place] if exact else self.sources[Counter(seen[seen >= 0].tolist()).most_common(1)[0][0]]
        return Found(example.id, example.name, example.text, 1.0 if exact else round(share, 3), exact, source)


def _chosen_runs(examples: Sequence[Document]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of the runs to look for, and the place of the example of each."""
    hashes, of = [], []
    for place, example in enumerate(examples):
        found = np.unique(hash_runs([word_key(part) for part in (example.text, example.pair) if part], RUN).hashes)[:MOST_RUNS]
        hashes.append(found)
        of.append(np.full(len(found), place, dtype=np.int64))
    return np.concatenate([np.empty(0, np.uint64), *hashes]), np.concatenate([np.empty(0, np.int64), *of])


def _flag(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return hashes >> np.uint64(64 - FILTER_BITS)


def _parts(document: Document) -> list[str]:
    """The texts of a training document."""
    return [part for part in (document.text, document.pair, document.target) if part]


def _name(document: Document) -> str:
    return document.name or document.id
