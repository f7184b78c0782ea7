"""The body of ingestion: read a pinned source, clean it, drop duplicates, split it, write Parquet shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.cleaning.contract import CleaningParams
from components.cleaning.contract import contract as cleaning
from components.ingestion.contract import IngestionParams, contract
from pipeline.artifacts.fingerprint import fingerprint_parts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.component import several
from pipeline.corpus.cleaning_inputs import CleaningInputs
from pipeline.corpus.decontaminate import Benchmarks
from pipeline.corpus.identity_of_kinds import identity_of_kinds
from pipeline.corpus.ingest import Kept, ingest_corpus
from pipeline.erasure.tombstones import APPLIED, Forgotten, read_tombstones
from pipeline.file_cache import FileCache
from pipeline.recipe.decontamination import without_test_texts
from pipeline.recipe.workers import Share
from pipeline.runtime import main
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pipeline.artifacts.manifest import Parts
    from pipeline.recipe.data import Data
    from pipeline.runtime import Work
    from pipeline.tasks.base import TaskExamples


def ingest(work: Work[IngestionParams]) -> None:
    """Source → corpus."""
    examples: TaskExamples = part(work.params.task, "examples")
    learned, test_set = work.inputs.get("learned"), work.inputs.get("test_set")
    benchmarks = several(work.inputs, "against")
    kept, forgotten = _kept(work), Forgotten(read_tombstones(work.artifacts.store))
    counts = ingest_corpus(
        work.params.data,
        examples,
        work.source,
        work.output,
        work.settings,
        work.reporter,
        learned.folder if learned else None,
        kept,
        work.settings.threads,
        CleaningInputs.of(work.inputs, forgotten),
        Benchmarks(test_set.folder if test_set else None, tuple(each.folder for each in benchmarks)),
    )
    work.intermediates.extend([*kept.chunks.used, *kept.shards.used])
    work.counts.update(counts)
    if forgotten.until:
        work.counts[APPLIED] = forgotten.until
    work.metrics.update({f"corpus/{name}": float(value) for name, value in counts.items()})


def _kept(work: Work[IngestionParams]) -> Kept[StoredIntermediates]:
    """Where cleaned chunks and shards are kept: chunks depend on the code of cleaning only, wherever they were cleaned."""
    data, task, cache = work.params.data, work.params.task, FileCache(work.settings.file_cache_path("code"))

    def of_chunks(one: Data) -> Parts:
        params = CleaningParams(data=without_test_texts(one), task=task, share=Share(number=1, of=1))
        return fingerprint_parts(cleaning, params, {}, cache)

    def of_shards(one: Data) -> Parts:
        return fingerprint_parts(contract, IngestionParams(data=one, task=task), {}, cache)

    chunks, shards = (StoredIntermediates(work.artifacts, identity_of_kinds(data, task, of)) for of in (of_chunks, of_shards))
    return Kept(chunks, shards)


if __name__ == "__main__":
    main(contract, ingest)
