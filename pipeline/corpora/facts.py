"""What a corpus holds, in numbers: lengths, classes, groups and frequent words of each split, in one pass and bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import regex
from pyarrow import compute

from pipeline.corpora.frequent import Frequent
from pipeline.corpora.shards import SPLITS, batches, classes_of, has_classes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyarrow import RecordBatch

WORD = regex.compile(r"[\p{L}\p{M}]{2,}")
ASCII_BREAKS = {code: " " for code in range(128) if not chr(code).isalpha()}
"""The same for ASCII, several times as fast."""

WORD_CHARACTERS = 2000
"""Characters at the beginning of a text whose words are counted."""

FIELDS = ("pair", "target", "name", "group")
"""Fields of a document that may be empty."""

SHOWN = 20
"""Words and groups that are named."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Lengths:
    """How long texts are, in characters. Memory grows with the number of different lengths, which `data.filter.max_chars` bounds."""

    def __init__(self) -> None:
        """Start with no text."""
        self.counts: Counter[int] = Counter()

    @property
    def mean(self) -> float:
        """Mean length; 0 without texts."""
        texts = self.counts.total()
        return sum(length * times for length, times in self.counts.items()) / texts if texts else 0.0

    def quantile(self, share: float) -> int:
        """The smallest length that at least this share of the texts does not exceed; 0 without texts."""
        wanted, seen = share * self.counts.total(), 0
        for length, times in sorted(self.counts.items()):
            seen += times
            if seen >= wanted:
                return length
        return 0


@dataclass
class SplitFacts:
    """One split."""

    documents: int = 0
    targets: int = 0
    """Documents with a target."""

    characters: int = 0
    """Characters of all texts, second texts and targets."""

    bytes: int = 0
    """Bytes of the same in UTF-8."""

    filled: Counter[str] = field(default_factory=Counter)
    """Documents in which a field is not empty, by its name: one of `FIELDS`."""

    lengths: Lengths = field(default_factory=Lengths)
    """Of the first texts."""

    classes: Counter[str] = field(default_factory=Counter)
    """Documents of each class; empty for a corpus without classes."""

    def add(self, batch: RecordBatch, *, classes: bool) -> None:
        """Count a batch of documents."""
        columns = batch.to_pydict()
        self.documents += batch.num_rows
        for name in ("text", "pair", "target"):
            self.bytes += compute.sum(compute.binary_length(batch.column(name))).as_py() or 0
        for name in FIELDS:
            self.filled[name] += sum(bool(value) for value in columns[name])
        for text, pair, target in zip(columns["text"], columns["pair"], columns["target"], strict=True):
            self.lengths.counts[len(text)] += 1
            self.characters += len(text) + len(pair or "") + len(target or "")
            if target is not None:
                self.targets += 1
                if classes:
                    self.classes.update(classes_of(target))


@dataclass
class CorpusFacts:
    """A whole corpus."""

    splits: dict[str, SplitFacts]
    """By name, in the order of `SPLITS`; splits without documents are left out."""

    words: list[tuple[str, int]]
    """The most frequent words of the train split, without case, each with the number of its documents."""

    groups: list[tuple[str, int]]
    """The largest groups, each with its documents."""

    group_count: int
    """Different groups; a lower bound where they are very many."""

    @property
    def documents(self) -> int:
        """Documents of all splits."""
        return sum(split.documents for split in self.splits.values())

    @property
    def characters(self) -> int:
        """Characters of all splits."""
        return sum(split.characters for split in self.splits.values())

    @property
    def bytes(self) -> int:
        """Bytes of all texts in UTF-8."""
        return sum(split.bytes for split in self.splits.values())

    @property
    def filled(self) -> Counter[str]:
        """Documents in which a field is not empty, by its name."""
        every: Counter[str] = Counter()
        for split in self.splits.values():
            every.update(split.filled)
        return every

    @property
    def lengths(self) -> Lengths:
        """Lengths of all splits together."""
        every = Lengths()
        for split in self.splits.values():
            every.counts.update(split.lengths.counts)
        return every

    @property
    def classes(self) -> Counter[str]:
        """Documents of each class in all splits."""
        every: Counter[str] = Counter()
        for split in self.splits.values():
            every.update(split.classes)
        return every

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "splits": {
                name: {
                    "documents": split.documents,
                    "targets": split.targets,
                    "characters": split.characters,
                    "mean_length": round(split.lengths.mean, 1),
                    "lengths": {f"{share:g}": split.lengths.quantile(share) for share in QUANTILES},
                    "classes": dict(sorted(split.classes.items())),
                }
                for name, split in self.splits.items()
            },
            "words": dict(self.words),
            "groups": dict(self.groups),
            "group_count": self.group_count,
        }


def read_facts(folder: Path) -> CorpusFacts:
    """Read a corpus once and count.

    Args:
        folder: folder of the corpus.
    """
    classes, words, groups = has_classes(folder), Frequent(), Frequent()
    splits = {name: SplitFacts() for name in SPLITS}
    for name, batch in batches(folder, SPLITS, ("text", *FIELDS)):
        splits[name].add(batch, classes=classes)
        groups.add(batch.column("group").to_pylist())
        if name == SPLITS[0]:
            for text in batch.column("text").to_pylist():
                words.add(_words(text[:WORD_CHARACTERS]))
    found = {name: facts for name, facts in splits.items() if facts.documents}
    return CorpusFacts(found, words.most(SHOWN), groups.most(SHOWN), len(groups.counts))


def _words(text: str) -> set[str]:
    """The different words of a text, of two letters or more."""
    if text.isascii():
        return {word for word in text.lower().translate(ASCII_BREAKS).split() if len(word) > 1}
    return set(WORD.findall(text.casefold()))


LANGUAGE = "language_"
"""How the names of counts begin that count the documents of a language."""


def languages_of(counts: Mapping[str, int]) -> dict[str, int]:
    """Documents of each language, the most frequent first; empty for a corpus that does not count them.

    Args:
        counts: counts of its manifest.
    """
    found = {name.removeprefix(LANGUAGE): value for name, value in counts.items() if name.startswith(LANGUAGE)}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
