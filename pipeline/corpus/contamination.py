"""Contamination: how many test examples the training text contains, word for word or nearly.

Splits share no input (`pipeline.corpus.splitting`). But a document of training can quote a test example, or be a near copy of it. A model
that remembers such a text scores better than it is. So the train split is read once, and each test example is looked for in it:

- *exact*: the whole input is the input of a training document, after the normalisation of deduplication;
- *near*: the input is a near copy (`pipeline.corpus.near_copies`). An input of fewer than 15 words can only be exact.

Where the input is an image, it is exact if the pixels are the same, and never near. Captions are answers, and short ones are alike by nature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.corpus.keys import input_key
from pipeline.corpus.near_copies import FEWEST_RUNS, RUN, SHARE, NearCopies, batches
from pipeline.corpus.normalise import comparison_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.corpus.documents import Document

MOST_RUNS = 512
"""Runs of one example that are looked for: its share is known to about 0.02."""

SHOWN = 20
"""Contaminated examples that the report names."""


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
    written = [] if any(example.image is not None for example in examples) else examples
    copies, exact = NearCopies(written, MOST_RUNS), _ExactCopies(examples)
    for batch in batches(training):
        copies.read(batch)
        for document in batch:
            exact.read(document)
    shares = copies.shares()
    near = [place for place in np.flatnonzero(copies.near()).tolist() if place not in exact.sources]
    shown = [(place, 1.0, source) for place, source in sorted(exact.sources.items())]
    shown += [(place, float(shares[place]), "") for place in sorted(near, key=lambda place: (-shares[place], place))]
    return Contamination(
        examples=len(examples),
        exact=len(exact.sources),
        answered=len(exact.answered),
        near=len(near),
        short=int((copies.runs < FEWEST_RUNS).sum()),
        found=tuple(
            Found(
                examples[place].id,
                examples[place].name,
                examples[place].text,
                round(share, 3),
                place in exact.sources,
                source or copies.source(place),
            )
            for place, share, source in shown[:SHOWN]
        ),
    )


class _ExactCopies:
    """Inputs of test examples that are inputs of training documents."""

    def __init__(self, examples: Sequence[Document]) -> None:
        self.examples = examples
        self.places: dict[str, list[int]] = {}
        for place, example in enumerate(examples):
            self.places.setdefault(input_key(example), []).append(place)
        self.sources: dict[int, str] = {}
        """Place of an example → name, or else id, of the training document with its input."""
        self.answered: set[int] = set()

    def read(self, document: Document) -> None:
        """Look at a document of training."""
        for place in self.places.get(input_key(document), ()):
            self.sources.setdefault(place, document.name or document.id)
            target = self.examples[place].target
            if target is not None and document.target is not None and comparison_key(target) == comparison_key(document.target):
                self.answered.add(place)
