"""The body of ingestion: read a pinned source, clean it, drop duplicates, split it, write Parquet shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.ingestion.contract import IngestionParams, contract
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.ingest import ingest_corpus
from pipeline.runtime import main
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tasks.base import TaskExamples


def ingest(work: Work[IngestionParams]) -> None:
    """Source → corpus."""
    examples: TaskExamples = part(work.params.task, "examples")
    learned = work.inputs.get("learned")
    folder = learned.folder if learned else None
    # the code of all of ingestion counts: it says nothing about which of it a chunk needs
    same = {"task": work.params.task.model_dump(mode="json", exclude_none=True), "modules": work.identity.modules}
    intermediates = StoredIntermediates(work.artifacts, {**same, "libraries": work.identity.libraries})
    counts = ingest_corpus(work.params.data, examples, work.source, work.output, work.settings, work.reporter, folder, intermediates)
    work.intermediates.extend(intermediates.used)
    work.counts.update(counts)
    work.metrics.update({f"corpus/{name}": float(value) for name, value in counts.items()})


if __name__ == "__main__":
    main(contract, ingest)
