"""The body of cleaning: read and clean a share of a pinned source, and keep the chunks for ingestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.cleaning.contract import CleaningParams, contract
from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.clean_share import clean_share
from pipeline.corpus.cleaning_inputs import CleaningInputs
from pipeline.corpus.identity_of_kinds import identity_of_kinds
from pipeline.erasure.tombstones import Forgotten, read_tombstones
from pipeline.file_cache import FileCache
from pipeline.runtime import main
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Parts
    from pipeline.recipe.data import Data
    from pipeline.runtime import Work
    from pipeline.tasks.base import TaskExamples


def clean(work: Work[CleaningParams]) -> None:
    """Share of a source → kept chunks."""
    examples: TaskExamples = part(work.params.task, "examples")
    share, task, cache = work.params.share, work.params.task, FileCache(work.settings.file_cache_path("code"))

    def of_chunks(one: Data) -> Parts:
        return fingerprint_parts(contract, CleaningParams(data=one, task=task, share=share), {}, cache)

    kept = StoredIntermediates(work.artifacts, identity_of_kinds(work.params.data, task, of_chunks))
    counts = clean_share(
        work.params.data,
        examples,
        work.source,
        share.number,
        share.of,
        work.output,
        work.settings,
        work.reporter,
        kept,
        work.settings.threads,
        CleaningInputs.of(work.inputs, Forgotten(read_tombstones(work.artifacts.store))),
    )
    work.intermediates.extend(kept.used)
    work.counts.update(counts)


if __name__ == "__main__":
    main(contract, clean)
