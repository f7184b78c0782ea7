"""The body of evaluation: one corpus, one model, one report."""

from __future__ import annotations

import os

from components.evaluation.contract import EvaluationParams, contract
from pipeline.corpus.counts import check_counts
from pipeline.evaluation.evaluate import evaluate_model
from pipeline.runtime import Work, main


def evaluate(work: Work[EvaluationParams]) -> None:
    """Score the model and show the report in MLflow."""
    corpus, model = work.inputs["corpus"], work.inputs["model"]
    check_counts(corpus.folder, corpus.manifest.counts)
    threads = work.settings.threads or len(os.sched_getaffinity(0))
    device = _device(work.settings.device)
    work.environment.update(threads=str(threads), device=device)
    counts, figures = evaluate_model(corpus.folder, model.folder, work.params.evaluation, work.output, device, threads, work.journal)
    work.counts.update(counts)
    work.metrics.update(figures)
    for name in ("report.html", "report.json"):
        work.tracking.log_file(work.output / name)


def _device(wanted: str) -> str:
    """``auto`` takes a GPU where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


if __name__ == "__main__":
    main(contract, evaluate)
