"""Clean one chunk of a source: records → documents, with what decides about them later."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.chunk_files import ChunkWriter
from pipeline.corpus.cleaning.cleaner import Cleaner
from pipeline.corpus.cleaning.look_ahead import look_ahead
from pipeline.corpus.cleaning_inputs import NOTHING_GIVEN, CleaningInputs
from pipeline.corpus.documents import Fields, Quarantined
from pipeline.corpus.quality.judge import QualityJudge
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, Preempted, SourceChanged
from pipeline.recipe.mixture import SourcePart

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.readers.base import Reader
    from pipeline.recipe.data import Data
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin
    from pipeline.tasks.base import TaskExamples

STOP_CHECK_EVERY = 1000
"""Records between two checks whether to stop."""


class CleanJob(NamedTuple):
    """One chunk to clean; it is sent to a worker process."""

    data: Data
    """Of the recipe, with the source of the chunk alone."""

    examples: TaskExamples
    """Makes documents of records; it takes note of none here."""

    pin: Pin
    """The items of the chunk."""

    settings: Settings
    folder: Path
    """Where the files of the chunk go; it is made."""

    source: str = ""
    """Name of the source, where the recipe has several."""

    given: CleaningInputs = NOTHING_GIVEN
    """Documents to leave out, and models."""


def clean_chunk(job: CleanJob, reporter: Reporter) -> None:
    """Read and clean a chunk, and write its files (`pipeline.corpus.chunk_files`).

    Raises:
        BadInput: an item is corrupt as a whole, or lacks a field the recipe names.
        Preempted: asked to stop.
        SourceChanged: an item is no longer at its pinned revision.
        Unavailable: its server is unreachable.
    """
    try:
        _clean(job, reporter)
    except (BadInput, SourceChanged) as error:
        if not job.source:
            raise
        raise SourcePart(job.source, job.data.single_source).error(error) from error


def _clean(job: CleanJob, reporter: Reporter) -> None:
    # other files of it may be there: they were fetched before its documents turned out to be lost
    shutil.rmtree(job.folder, ignore_errors=True)
    job.folder.mkdir(parents=True)
    examples = job.examples
    forgotten, classifier, names = job.given
    last = QualityJudge(classifier.folder) if classifier else None
    model = names.folder if names else None
    cleaner = Cleaner(job.data, job.settings.home, forgotten, prose=examples.prose, last=last, model=model)
    reader: Reader = READERS.load(job.data.single_source.kind)
    with ChunkWriter(job.folder, job.data.split.salt, signed=job.data.signed, images=job.data.images) as writer:
        facts = writer.facts
        read = reader(job.data.single_source, job.pin, job.settings, reporter)
        for record in look_ahead(read, cleaner, examples, reporter):
            if isinstance(record, Fields):
                facts.fields = record
                continue
            facts.read += 1
            if facts.read % STOP_CHECK_EVERY == 0 and reporter.stopping():
                raise Preempted("stopped on request while ingesting", "", "run it again")
            found = cleaner.documents(record, examples)
            if isinstance(found, Quarantined):
                facts.quarantine.add(found)
            elif isinstance(found, str):
                facts.filtered[found] += 1
            else:
                for document in found:
                    if (document.id, document.text, document.pair) in forgotten:
                        facts.filtered["forgotten"] += 1
                    else:
                        writer.add(document, examples.split_keys(document), examples.note(document))
        facts.cleaning = cleaner.report
