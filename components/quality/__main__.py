"""The body of quality: train a classifier on the reference and on a sample of the corpus, and measure it on texts that were held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.quality.contract import QualityParams, contract
from pipeline.corpus.quality import FACTS
from pipeline.corpus.quality.train import train_classifier
from pipeline.reporter import CpuHeartbeat
from pipeline.runtime import main

if TYPE_CHECKING:
    from pipeline.runtime import Work


def train(work: Work[QualityParams]) -> None:
    """Samples → classifier."""
    with CpuHeartbeat(work.reporter):
        figures = train_classifier(work.inputs["reference"].folder, work.inputs["sample"].folder, work.params.limit, work.output)
    work.metrics.update(figures)
    work.tracking.log_file(work.output / FACTS)


if __name__ == "__main__":
    main(contract, train)
