"""The body of a test set: read a pinned source and clean it, all for the test split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.test_set.contract import TestSetParams, contract
from pipeline.artifacts.fingerprint import code_identity
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.cleaning_inputs import CleaningInputs
from pipeline.corpus.ingest import Kept
from pipeline.corpus.make_test_set import make_test_set
from pipeline.erasure.tombstones import APPLIED, Forgotten, read_tombstones
from pipeline.errors import TrainshedError, in_field
from pipeline.runtime import main
from pipeline.tasks.parts import part
from pipeline.tasks.plain_texts import PlainTexts

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tasks.base import TaskExamples


def freeze(work: Work[TestSetParams]) -> None:
    """Source → test texts."""
    task = work.params.task
    examples: TaskExamples = part(task, "examples") if task else PlainTexts()
    kept, forgotten = (
        StoredIntermediates(work.artifacts, code_identity(work.identity, task)),
        Forgotten(read_tombstones(work.artifacts.store)),
    )
    try:
        counts = make_test_set(
            work.params.data,
            examples,
            work.source,
            work.output,
            work.settings,
            work.reporter,
            Kept(kept, kept),
            work.settings.threads,
            CleaningInputs.of(work.inputs, forgotten),
        )
    except TrainshedError as error:
        raise in_field(error, "data.test_source" if task else "data.decontamination.against.source") from error
    work.intermediates.extend(kept.used)
    work.counts.update(counts)
    if forgotten.until:
        work.counts[APPLIED] = forgotten.until


if __name__ == "__main__":
    main(contract, freeze)
