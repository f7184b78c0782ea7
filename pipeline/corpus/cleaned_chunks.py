"""The cleaned chunks of one ingestion, in a local folder: those that were cleaned before from the store, the others from the source."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.corpus.chunks import divide, size_of
from pipeline.corpus.clean_chunk import CleanJob, clean_chunk
from pipeline.corpus.readers.workers import available_cores, run_jobs
from pipeline.erasure.tombstones import Forgotten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates, What
    from pipeline.corpus.readers.workers import Job
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

log = logging.getLogger(__name__)

BYTES_A_PROCESS = 64 << 20
"""Bytes of source that are worth another process: it takes a second to start, and does so many in three."""


class CleanedChunks:
    """The chunks of a source."""

    def __init__(
        self,
        data: Data,
        examples: TaskExamples,
        pin: Pin,
        settings: Settings,
        reporter: Reporter,
        intermediates: Intermediates,
        scratch: Path,
        processes: int | None = None,
        forgotten: Forgotten | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            data: source, filter and salt of the recipe.
            examples: makes documents of records.
            pin: the source at the revision to read.
            settings: address of the S3 server.
            reporter: gets progress, and may ask to stop.
            intermediates: where cleaned chunks are kept.
            scratch: empty folder for the chunks.
            processes: most processes; by default one for each core.
            forgotten: documents to leave out.
        """
        self.data, self.examples, self.settings, self.reporter = data, examples, settings, reporter
        self.intermediates, self.scratch, self.processes = intermediates, scratch, processes or available_cores()
        self.forgotten = forgotten or Forgotten()
        self.pins = divide(pin)
        self.whats: list[What] = [_what(data, chunk, self.forgotten) for chunk in self.pins]
        """What each chunk follows from, apart from code and task."""

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self.pins)

    def folder(self, number: int) -> Path:
        """Where the files of a chunk are."""
        return self.scratch / f"chunk-{number:06d}"

    def bring(self, numbers: Iterable[int], names: Collection[str]) -> list[Path]:
        """Bring files of some chunks into their folders, and return these; a chunk that is not kept is cleaned.

        Args:
            numbers: of the chunks.
            names: of the files, as in `pipeline.corpus.chunk_files`.
        """
        numbers = list(numbers)
        wanted = {
            self.folder(number).name: number for number in numbers if not all((self.folder(number) / name).exists() for name in names)
        }
        found = self.intermediates.fetch(self.scratch, {name: self.whats[number] for name, number in wanted.items()}, names)
        missing = [number for name, number in wanted.items() if name not in found]
        if found and missing:
            log.info("%d of %d chunks of the source are unchanged and are not read again", len(found), len(wanted))
        # the largest first: a long one at the end would leave the other processes without work
        missing.sort(key=lambda number: (-size_of(self.pins[number]), number))
        self.run(
            clean_chunk,
            {number: self._job(number) for number in missing},
            sum(size_of(self.pins[number]) for number in missing),
            self._keep,
        )
        return [self.folder(number) for number in numbers]

    def run(self, work: Callable[[Job, Reporter], None], jobs: Mapping[int, Job], size: int, done: Callable[[int], None]) -> None:
        """Do jobs, in several processes where that is faster.

        Args:
            work: what to do; a function at module level.
            jobs: by number.
            size: bytes of all jobs.
            done: called with the number of each finished job.
        """
        processes = max(1, min(self.processes, size // BYTES_A_PROCESS))
        for number, _ in run_jobs(work, jobs, processes, self.reporter, size / 1e6):
            done(number)

    def _job(self, number: int) -> CleanJob:
        return CleanJob(self.data, self.examples, self.pins[number], self.settings, self.folder(number), self.forgotten)

    def _keep(self, number: int) -> None:
        self.intermediates.commit(self.whats[number], self.folder(number))


def _what(data: Data, chunk: Pin, forgotten: Forgotten) -> What:
    """What the files of a chunk follow from: its items, those params that matter for cleaning, and what is to be forgotten.

    So no corpus made after a request to forget is made of chunks that hold the documents, and garbage collection removes these chunks.
    """
    source = data.source.model_dump(mode="json", exclude_none=True, exclude={"path", "partitions", "partition", "packages"})
    rules = data.filter.model_dump(mode="json", exclude_none=True, exclude={"max_quarantined"})
    blocks = {"cleaning": [block.model_dump(mode="json", exclude_none=True) for block in data.cleaning]} if data.cleaning else {}
    left_out = {"forgotten": forgotten.digest} if forgotten.until else {}
    return {"chunk": chunk.digest, "source": source, "filter": rules, "salt": data.split.salt, "signed": data.signed, **blocks, **left_out}
