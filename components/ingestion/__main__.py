"""The body of ingestion: read a pinned source, clean it, drop duplicates, split it, write Parquet shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.ingestion.contract import IngestionParams, contract
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
    counts = ingest_corpus(work.params.data, examples, work.source, work.output, work.settings, work.reporter, folder)
    work.counts.update(counts)
    work.metrics.update({f"corpus/{name}": float(value) for name, value in counts.items()})


if __name__ == "__main__":
    main(contract, ingest)
