"""Some documents of a corpus: the same ones for the same seed, whatever the shards are."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import regex

from pipeline.corpora.shards import SPLITS, batches, classes_of, has_classes
from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpora.thumbnails import images_of
from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = ("id", "group", "name", "text", "pair", "target")


class Sampled(NamedTuple):
    """One document with its split."""

    split: str
    id: str
    group: str
    name: str
    text: str
    pair: str | None
    target: str | None
    image: bytes | None = None
    """Its pixels, for a corpus of images."""


@dataclass(frozen=True)
class Wanted:
    """Which documents are meant; None and an empty tuple mean all."""

    splits: tuple[str, ...] = SPLITS
    label: str | None = None
    """A class."""

    group: str | None = None
    word: str | None = None
    """A word of the text, the second text or the target, without case."""

    ids: frozenset[str] | None = None
    """Ids, or beginnings of ids."""

    source: str | None = None
    """Name of one of several sources."""


def choose(folder: Path, wanted: Wanted, count: int, seed: int = 0) -> list[Sampled]:
    """Choose documents by the hash of seed and id; memory holds ``count`` documents and a batch.

    Args:
        folder: folder of the corpus.
        wanted: which documents are meant.
        count: how many, at most.
        seed: another seed chooses others.

    Raises:
        BadInput: no such split, class, group or source, or a class or a source is asked of a corpus without.
    """
    for split in wanted.splits:
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
    if wanted.label is not None and not has_classes(folder):
        raise BadInput("this corpus has no classes", "a corpus of labels", "leave out --class")
    sources = set(sources_of_shards(folder).values())
    if wanted.source is not None and not sources:
        raise BadInput("this corpus has one source", "a corpus of several sources", "leave out --source")
    if wanted.source is not None and wanted.source not in sources:
        raise unknown_name("source", wanted.source, sources)
    seen = _Names()
    ranked = ((_rank(seed, one), one) for one in _matching(folder, wanted, seen))
    chosen = [one for _, one in heapq.nsmallest(count, ranked, key=lambda pair: pair[0])]
    if not chosen:
        seen.check(wanted)
    images = images_of(folder, {one.id for one in chosen})
    chosen = [one._replace(image=images.get(one.id)) for one in chosen]
    return sorted(chosen, key=lambda one: (SPLITS.index(one.split), _rank(seed, one)))


class _Names:
    """The classes and groups that were seen, to suggest the near one."""

    def __init__(self) -> None:
        self.classes: set[str] = set()
        self.groups: set[str] = set()

    def check(self, wanted: Wanted) -> None:
        """Refuse a class or a group that no document has."""
        if wanted.label is not None and wanted.label not in self.classes:
            raise unknown_name("class", wanted.label, self.classes)
        if wanted.group is not None and wanted.group not in self.groups:
            raise unknown_name("group", wanted.group, self.groups)


def _matching(folder: Path, wanted: Wanted, seen: _Names) -> Iterator[Sampled]:
    word = (
        regex.compile(rf"(?<![\p{{L}}\p{{M}}\p{{N}}]){regex.escape(wanted.word)}(?![\p{{L}}\p{{M}}\p{{N}}])", regex.I)
        if wanted.word
        else None
    )
    for split, batch in batches(folder, wanted.splits, COLUMNS, wanted.source):
        for row in batch.to_pylist():
            found = Sampled(split, **row)
            if wanted.label is not None:
                classes = classes_of(found.target) if found.target is not None else []
                seen.classes.update(classes)
                if wanted.label not in classes:
                    continue
            if wanted.group is not None:
                seen.groups.add(found.group)
                if wanted.group != found.group:
                    continue
            if wanted.ids is not None and not any(found.id.startswith(one) for one in wanted.ids):
                continue
            if word is None or any(word.search(part) for part in (found.text, found.pair, found.target) if part):
                yield found


def _rank(seed: int, found: Sampled) -> bytes:
    return blake2b(f"{seed}:{found.split}:{found.id}".encode(), digest_size=8).digest()
