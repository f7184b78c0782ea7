"""The chunks of a corpus without the lines and paragraphs that many documents have (`pipeline.corpus.repeated_units`).

A chunk that loses some is written again, and kept in the store by what it loses. So new data write again only those chunks that have a
unit which became frequent. All rows stay in their place; a document of which too little is left keeps its text, and is dropped later.

A document keeps its id, that of its text as it was cleaned: who asks to forget it finds it, whatever other documents come and go. The
split follows from that text too, so no document moves when a line becomes frequent. What is equal is decided by the shortened texts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.corpus.chunk_files import DOCUMENTS, KEYS, ChunkWriter, read_keys
from pipeline.corpus.chunks import size_of
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning.records import document_id
from pipeline.corpus.read_corpus import read_file
from pipeline.corpus.repeated_units import KINDS, Asked, chunk_units, shorten
from pipeline.errors import Preempted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.corpus.chunk_files import ChunkFacts
    from pipeline.corpus.repeated_units import Repeated
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.tasks.base import TaskExamples

EMPTIED = "emptied.npy"
"""The file of a shortened chunk with the documents of which too little is left."""

ONLY_REPEATED = "only_repeated"
"""Reason why these are filtered."""

STOP_CHECK_EVERY = 1000
"""Documents between two checks whether to stop."""


class ShortenJob(NamedTuple):
    """One chunk to write again; it is sent to a worker process."""

    data: Data
    examples: TaskExamples
    chunk: Path
    units: NDArray[np.uint64]
    """The units that it loses."""

    folder: Path
    """Where the files go; it is made."""


class ShortenedChunks(CleanedChunks):
    """The same chunks, some of them shortened."""

    def __init__(self, chunks: CleanedChunks, kept: Intermediates, searched: Sequence[Path], repeated: Repeated) -> None:
        """Nothing is written yet.

        Args:
            chunks: as they were cleaned.
            kept: where shortened chunks are kept.
            searched: folders with the units of each chunk.
            repeated: the units that are removed.
        """
        self.__dict__.update(chunks.__dict__)
        self.whole, self.kept = chunks, kept
        self.units = {number: units for number, folder in enumerate(searched) if len(units := chunk_units(folder, repeated))}
        """What each chunk loses; a chunk that loses nothing is not there."""
        self.whats = [
            {**what, "without": hashlib.sha256(self.units[number].tobytes()).hexdigest()} if number in self.units else what
            for number, what in enumerate(chunks.whats)
        ]

    def folder(self, number: int) -> Path:
        """Where the files of a chunk are."""
        return self.scratch / f"shortened-{number:06d}" if number in self.units else self.whole.folder(number)

    def bring(self, numbers: Iterable[int], names: Collection[str]) -> list[Path]:
        """Bring files of some chunks into their folders; a chunk that is not kept is shortened."""
        numbers = list(numbers)
        self.whole.bring([number for number in numbers if number not in self.units], names)
        asked = {number: self.folder(number) for number in numbers if number in self.units}
        wanted = {folder.name: number for number, folder in asked.items() if not all((folder / name).exists() for name in names)}
        found = self.kept.fetch(self.scratch, {name: self.whats[number] for name, number in wanted.items()}, names)
        missing = [number for name, number in wanted.items() if name not in found]
        jobs = {
            number: ShortenJob(self.data, self.examples, folder, self.units[number], asked[number])
            for number, folder in zip(missing, self.whole.bring(missing, (DOCUMENTS,)), strict=True)
        }
        size = sum(size_of(self.pins[number]) for number in missing)
        self.run(shorten_chunk, jobs, size, lambda number: self.kept.commit(self.whats[number], asked[number]))
        return [self.folder(number) for number in numbers]

    def emptied(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Documents of which too little is left.

        Args:
            starts: [chunks + 1] place of the first document of each chunk.
        """
        folders = self.bring(self.units, (EMPTIED,))
        found = [np.load(folder / EMPTIED) + starts[number] for number, folder in zip(self.units, folders, strict=True)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def facts(self) -> list[ChunkFacts]:
        """What was removed from the chunks."""
        return [read_keys(folder)[1] for folder in self.bring(self.units, (KEYS,))]


def shorten_chunk(job: ShortenJob, reporter: Reporter) -> None:
    """Write a chunk without its repeated units.

    Raises:
        Preempted: asked to stop.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    rules = job.data.deduplication
    assert rules is not None  # noqa: S101 - nothing is removed otherwise
    kinds, units = Asked.of(rules).kinds, frozenset(job.units.tolist())
    emptied: list[int] = []
    done = 0.0
    with ChunkWriter(job.folder, job.data.split.salt, signed=job.data.signed, images=job.data.images) as writer:
        counts = writer.facts.cleaning.counts
        for number, document in enumerate(read_file(job.chunk / DOCUMENTS)):
            text, lost = shorten(document.text, units, kinds)
            shortened = document._replace(text=text)
            if any(lost) and len(text) < job.data.filter.min_chars:
                emptied.append(number)
                shortened = document
            elif any(lost):
                counts["shortened"] += 1
                counts.update({f"removed_{kind}s": times for kind, times in zip(KINDS, lost, strict=True)})
            content = document_id(shortened.text, shortened.pair, shortened.target)
            writer.add(shortened, job.examples.split_keys(shortened), job.examples.note(shortened), content)
            done += len(document.text) / 1e6
            if number % STOP_CHECK_EVERY == 0:
                reporter.progress(done, done, "MB")
                if reporter.stopping():
                    raise Preempted("stopped on request while ingesting", "", "run it again")
    np.save(job.folder / EMPTIED, np.array(emptied, np.int64))
