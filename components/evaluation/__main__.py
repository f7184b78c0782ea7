"""The body of evaluation: one corpus, one model, one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.evaluation.contract import EvaluationParams, contract
from pipeline.corpus.counts import check_counts
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.metrics.base import Prediction
from pipeline.models.device import find_device
from pipeline.runtime import Work, main
from pipeline.serving.answer import Answerer
from pipeline.tasks.parts import part
from pipeline.training.device import choose_threads

if TYPE_CHECKING:
    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.pass_progress import PassProgress
    from pipeline.evaluation.scoring import Scoring
    from pipeline.models.files import Loaded


def evaluate(work: Work[EvaluationParams]) -> None:
    """Score the model and show the report in MLflow."""
    corpus, model, base = work.inputs["corpus"], work.inputs["model"], work.inputs.get("base")
    check_counts(corpus.folder, corpus.manifest.counts)
    scoring: Scoring = part(work.params.task, "scoring")
    job = EvaluationJob(
        corpus=corpus.folder,
        model=model.folder,
        output=work.output,
        device=find_device(work.settings.device).type,
        threads=choose_threads(work.settings.threads),
        reporter=work.reporter,
        scoring=scoring,
        predict=measure if scoring.answers == "none" else predict,
        base=base.folder if base else None,
    )
    work.environment.update(threads=str(job.threads), device=job.device)
    counts, figures = evaluate_model(job, work.params.evaluation)
    work.counts.update(counts)
    work.metrics.update(figures)
    for name in ("report.html", "report.json"):
        work.tracking.log_file(work.output / name)


def predict(loaded: Loaded, examples: Examples, batch: int, progress: PassProgress) -> list[Prediction]:
    """Answer as the registered model will; where the task writes text, also say how probable the references are."""
    answerer, documents = Answerer(loaded, batch), examples.documents
    answering, scoring = (progress.part(place, 2, len(documents)) for place in range(2))
    predictions = answerer.predict(documents, answering)
    likelihoods = answerer.likelihoods(documents, scoring)
    return (
        predictions
        if likelihoods is None
        else [one._replace(likelihood=found) for one, found in zip(predictions, likelihoods, strict=True)]
    )


def measure(loaded: Loaded, examples: Examples, batch: int, progress: PassProgress) -> list[Prediction]:
    """Say only how probable the references are, for a task that is scored by nothing else."""
    likelihoods = Answerer(loaded, batch).likelihoods(examples.documents, progress)
    assert likelihoods is not None  # noqa: S101 - such a task gives likelihoods
    return [Prediction(likelihood=found) for found in likelihoods]


if __name__ == "__main__":
    main(contract, evaluate)
