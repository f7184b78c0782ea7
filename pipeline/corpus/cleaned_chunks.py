"""The cleaned chunks of one ingestion, in a local folder: those that were cleaned before from the store, the others from the source."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.corpus.chunks import divide, size_of
from pipeline.corpus.clean_chunk import CleanJob, clean_chunk
from pipeline.corpus.cleaning_inputs import NOTHING_GIVEN
from pipeline.corpus.readers.workers import Workers, available_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates, What
    from pipeline.corpus.cleaning_inputs import CleaningInputs
    from pipeline.corpus.readers.workers import Job
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

log = logging.getLogger(__name__)

WHERE = {"path", "partitions", "partition", "packages", "url_from", "revision", "config", "split"}
"""Fields of a source that say where it is; what is there, its items say."""

BYTES_A_PROCESS = 64 << 20
"""Bytes of source that are worth another process: it takes a second to start, and does so many in three."""

BYTES_A_MODEL = 1 << 18
"""The same where a model reads the texts: a process loads it in five seconds, and a small one reads so many in six."""


class CleanedChunks:
    """The chunks of the sources of a recipe, one source after the other; a context manager, which ends the processes that cleaned them."""

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
        given: CleaningInputs = NOTHING_GIVEN,
    ) -> None:
        """Nothing is read yet.

        Args:
            data: sources, filter and salt of the recipe.
            examples: makes documents of records.
            pin: the sources at the revisions to read.
            settings: address of the S3 server.
            reporter: gets progress, and may ask to stop.
            intermediates: where cleaned chunks are kept.
            scratch: empty folder for the chunks.
            processes: most processes; by default one for each core.
            given: documents to leave out, and models.
        """
        self.data, self.examples, self.settings, self.reporter = data, examples, settings, reporter
        self.intermediates, self.scratch, self.processes = intermediates, scratch, processes or available_cores()
        self.given = given
        self._workers = Workers(reporter)
        divided = [divide(each) for _, each in pin.named]
        self.pins = [chunk for chunks in divided for chunk in chunks]
        self.sources = [place for place, chunks in enumerate(divided) for _ in chunks]
        """Place of each chunk's source in the recipe."""
        self.parts = data.parts
        self._of_source = [data.of(part) for part in self.parts]
        self.whats: list[What] = [_what(self._of_source[place], chunk, given) for place, chunk in zip(self.sources, self.pins, strict=True)]
        """What each chunk follows from, apart from code and task."""

    def __enter__(self) -> CleanedChunks:
        return self

    def __exit__(self, *of_the_exception: object) -> None:
        self._workers.__exit__(*of_the_exception)

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
            BYTES_A_MODEL if self.given.names else None,
        )
        return [self.folder(number) for number in numbers]

    def run(
        self,
        work: Callable[[Job, Reporter], None],
        jobs: Mapping[int, Job],
        size: int,
        done: Callable[[int], None],
        worth: int | None = None,
    ) -> None:
        """Do jobs, in several processes where that is faster.

        Args:
            work: what to do; a function at module level.
            jobs: by number.
            size: bytes of all jobs.
            done: called with the number of each finished job.
            worth: bytes that are worth another process; by default `BYTES_A_PROCESS`.
        """
        processes = max(1, min(self.processes, size // (worth or BYTES_A_PROCESS)))
        for number, _ in self._workers.run(work, jobs, processes, size / 1e6):
            done(number)

    def _job(self, number: int) -> CleanJob:
        place = self.sources[number]
        data, name = self._of_source[place], self.parts[place].name
        return CleanJob(data, self.examples, self.pins[number], self.settings, self.folder(number), name, self.given)

    def _keep(self, number: int) -> None:
        self.intermediates.commit(self.whats[number], self.folder(number))


def _what(data: Data, chunk: Pin, given: CleaningInputs) -> What:
    """What the files of a chunk follow from: its items, those params that matter for cleaning, and what is to be forgotten.

    So no corpus made after a request to forget is made of chunks that hold the documents, and garbage collection removes these chunks.
    """
    source = data.single_source.model_dump(mode="json", exclude_none=True, exclude=WHERE)
    rules = data.filter.model_dump(mode="json", exclude_none=True, exclude={"max_quarantined"})
    each = [block.model_dump(mode="json", exclude_none=True, exclude=set(block.elsewhere)) for block in data.cleaning or ()]
    blocks = {"cleaning": each} if each else {}
    left_out = {"forgotten": given.forgotten.digest} if given.forgotten.until else {}
    judged = {"quality": given.classifier.digest} if given.classifier else {}
    named = {"names": given.names.digest} if given.names else {}
    return {
        "chunk": chunk.digest,
        "source": source,
        "filter": rules,
        "salt": data.split.salt,
        "signed": data.signed,
        **blocks,
        **left_out,
        **judged,
        **named,
    }
