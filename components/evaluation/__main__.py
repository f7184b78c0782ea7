"""The body of evaluation: one corpus, one model, one report."""

from __future__ import annotations

from components.evaluation.contract import EvaluationParams, contract
from pipeline.corpus.counts import check_counts
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.evaluation.scoring import summarization_scoring
from pipeline.evaluation.systems import written_predictions
from pipeline.runtime import Work, main
from pipeline.training.device import choose_threads, find_device


def evaluate(work: Work[EvaluationParams]) -> None:
    """Score the model and show the report in MLflow."""
    corpus, model = work.inputs["corpus"], work.inputs["model"]
    check_counts(corpus.folder, corpus.manifest.counts)
    job = EvaluationJob(
        corpus=corpus.folder,
        model=model.folder,
        output=work.output,
        device=find_device(work.settings.device).type,
        threads=choose_threads(work.settings.threads),
        reporter=work.reporter,
        scoring=summarization_scoring(),
        predict=written_predictions,
    )
    work.environment.update(threads=str(job.threads), device=job.device)
    counts, figures = evaluate_model(job, work.params.evaluation)
    work.counts.update(counts)
    work.metrics.update(figures)
    for name in ("report.html", "report.json"):
        work.tracking.log_file(work.output / name)


if __name__ == "__main__":
    main(contract, evaluate)
