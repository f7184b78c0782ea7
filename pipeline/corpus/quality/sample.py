"""A sample of a source for the classifier: which features some of its texts have.

Of a large source some chunks are read, those with the smallest digests, and of their texts those with the smallest digests are taken. So new data
seldom changes the sample. The files hold no texts:

============ ==================================================================
features.npy features of the texts, one after the other
ends.npy     [texts] where those of each text end
texts.npy    [texts] a digest of each
============ ==================================================================
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.chunks import divide
from pipeline.corpus.cleaning.base import Verdict
from pipeline.corpus.cleaning.cleaner import Cleaner
from pipeline.corpus.documents import Fields
from pipeline.corpus.quality.features import CHARS, digest_of, features_of
from pipeline.corpus.readers import READERS
from pipeline.corpus.readers.fields import named_fields
from pipeline.errors import BadInput, Preempted, unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.cleaning.base import Candidate
    from pipeline.corpus.quality.features import Features
    from pipeline.corpus.readers.base import Reader
    from pipeline.erasure.tombstones import Forgotten
    from pipeline.recipe.data import Data
    from pipeline.recipe.mixture import SourcePart
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

CHUNKS, RECORDS = 8, 50_000
"""Chunks of a source that are read, and records of each, at most."""

TEXTS = 5000
"""Texts of the sample, at most."""

LEAST = 100
"""Texts below which nothing can be learned."""

STOP_CHECK_EVERY = 1000


class Sample(NamedTuple):
    """What the files hold."""

    features: list[Features]
    texts: NDArray[np.uint64]


class _Collect:
    """Stands where the filter will be, and keeps the texts with the smallest digests."""

    def __init__(self, forgotten: Forgotten) -> None:
        self.forgotten = forgotten
        self._held: list[tuple[int, str]] = []
        self._known: set[int] = set()

    def judge(self, found: Candidate) -> Verdict:
        """Keep everything."""
        digest = digest_of(found.text)
        smallest = len(self._held) < TEXTS or digest < -self._held[0][0]
        if smallest and digest not in self._known and ("", found.text, None) not in self.forgotten:
            self._known.add(digest)
            heapq.heappush(self._held, (-digest, found.text[:CHARS]))
            if len(self._held) > TEXTS:
                self._known.discard(-heapq.heappop(self._held)[0])
        return Verdict()

    def rows(self) -> list[tuple[int, str]]:
        """Digest and text of each, by digest."""
        return sorted((-digest, text) for digest, text in self._held)


def sample_source(
    data: Data, examples: TaskExamples, pin: Pin, output: Path, settings: Settings, reporter: Reporter, forgotten: Forgotten
) -> dict[str, int]:
    """Read a part of a source, clean it as the corpus is cleaned, and write the features of a sample of its texts.

    Args:
        data: source, filter and cleaning.
        examples: the task's part that makes documents of records.
        pin: the source at the revision to read.
        output: empty folder to fill.
        settings: address of the S3 server; the folder that relative paths start from.
        reporter: gets progress, and may ask to stop.
        forgotten: documents to leave out.

    Returns:
        ``read``, the records, and ``texts``, those of the sample.

    Raises:
        BadInput: the source has too few texts, or no field that the recipe names.
        Preempted: asked to stop.
        SourceChanged: the source changed since it was planned.
        Unavailable: its server is unreachable.
    """
    collect = _Collect(forgotten)
    read, seen = 0, dict[str, list[Fields]]()
    parts = {part.name: part for part in data.parts}
    every = [(parts[name], chunk) for name, source in pin.named for chunk in divide(source)]
    for part, chunk in sorted(every, key=lambda each: each[1].digest)[:CHUNKS]:
        cleaner = Cleaner(data.of(part), settings.home, forgotten, prose=examples.prose, last=collect)
        reader: Reader = READERS.load(part.source.kind)
        for number, record in enumerate(reader(data.of(part).single_source, chunk, settings, reporter)):
            if isinstance(record, Fields):
                seen.setdefault(part.name, []).append(record)
                continue
            if number >= RECORDS:
                break
            if number % STOP_CHECK_EVERY == 0 and reporter.stopping():
                raise Preempted("stopped on request while sampling", "", "run it again")
            read += 1
            cleaner.documents(record, examples)
    for name, found in seen.items():
        _check_fields(parts[name], found)
    rows = collect.rows()
    if len(rows) < LEAST:
        raise BadInput(
            f"{' and '.join(map(_name, parts.values()))} has {len(rows)} texts among {read} records",
            f"at least {LEAST}",
            "add texts, or loosen data.filter",
        )
    features = [features_of(text) for _, text in rows]
    np.save(output / "features.npy", np.concatenate(features))
    np.save(output / "ends.npy", np.cumsum([len(each) for each in features], dtype=np.int64))
    np.save(output / "texts.npy", np.array([digest for digest, _ in rows], dtype=np.uint64))
    return {"read": read, "texts": len(rows)}


def read_sample(folder: Path) -> Sample:
    """What `sample_source` wrote."""
    ends = np.load(folder / "ends.npy")
    features = np.split(np.load(folder / "features.npy"), ends[:-1])
    return Sample(features, np.load(folder / "texts.npy"))


def _check_fields(part: SourcePart, seen: list[Fields]) -> None:
    """Refuse a field that the recipe names and no row has."""
    absent = set[str].intersection(*(set(found.absent) for found in seen))
    for column in named_fields(part.source.row_columns):
        if column in absent:
            raise unknown_name(f"field of {_name(part)} in columns:", column, {name for found in seen for name in found.seen})


def _name(part: SourcePart) -> str:
    """A source in messages."""
    return f"the source {part.name or part.source.path or part.source.kind}"
