"""The body of a text sample: read a part of a pinned source, clean it, and write the features of its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.text_sample.contract import TextSampleParams, contract
from pipeline.corpus.quality.sample import sample_source
from pipeline.erasure.tombstones import APPLIED, Forgotten, read_tombstones
from pipeline.runtime import main
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tasks.base import TaskExamples


def sample(work: Work[TextSampleParams]) -> None:
    """Source → features of some of its texts."""
    examples: TaskExamples = part(work.params.task, "examples")
    forgotten = Forgotten(read_tombstones(work.artifacts.store))
    work.counts.update(sample_source(work.params.data, examples, work.source, work.output, work.settings, work.reporter, forgotten))
    if forgotten.until:
        work.counts[APPLIED] = forgotten.until


if __name__ == "__main__":
    main(contract, sample)
