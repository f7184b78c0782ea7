"""The systems that are compared: the model, the same model untrained, and the baselines of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.evaluation.baselines.base import Known
from pipeline.evaluation.likelihood import likelihoods
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.lookup import load_object
from pipeline.metrics.base import Prediction
from pipeline.models.build import build_model
from pipeline.models.files import Loaded
from pipeline.reporter import CpuHeartbeat
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.evaluation.baselines.base import Baseline
    from pipeline.evaluation.examples import Examples
    from pipeline.evaluation.scoring import Scoring
    from pipeline.reporter import Reporter

MODEL = "model"
UNTRAINED = "untrained"


class PredictModel(Protocol):
    """How a model answers the documents of a task."""

    def __call__(self, loaded: Loaded, examples: Examples, batch: int, progress: PassProgress) -> list[Prediction]:
        """Predict one answer for each document.

        Args:
            loaded: the model.
            examples: the documents; the references only for their likelihood.
            batch: documents answered at once.
            progress: gets the number of examples answered so far, and a heartbeat for each batch.
        """


def written_predictions(loaded: Loaded, examples: Examples, batch: int, progress: PassProgress) -> list[Prediction]:
    """The text that a model writes for each document, and how probable it finds the reference."""
    documents = examples.documents
    writing, scoring = (progress.part(place, 2, len(documents)) for place in range(2))
    names = [document.name for document in documents]
    answers = Answerer(loaded, batch).answer([document.text for document in documents], names, writing.report, writing.beat)
    found = likelihoods(loaded, documents, [str(reference) for reference in examples.references], batch, scoring)
    return [Prediction(answer, likelihood=each) for answer, each in zip(answers, found, strict=True)]


def untrained(loaded: Loaded) -> Loaded:
    """The same architecture and tokenizer with the seed's initial weights."""
    info = loaded.info
    fresh = build_model(info.shape, info.vocabulary, info.specials, dropout=0.0, seed=info.seed)
    device = next(loaded.model.parameters()).device
    return Loaded(fresh.to(device).eval(), loaded.tokenizer, info)


def run_systems(
    loaded: Loaded, known: Examples, examples: Examples, scoring: Scoring, predict: PredictModel, batch: int, reporter: Reporter
) -> dict[str, list[Prediction]]:
    """Predictions of every system for all examples: the model first, then the untrained model, then the baselines by name.

    Args:
        loaded: the model.
        known: training documents that baselines learn from.
        examples: what to answer.
        scoring: the task's baselines.
        predict: how a model answers.
        batch: documents answered at once.
        reporter: gets progress and heartbeats.
    """
    count = len(examples.documents)
    predictions: dict[str, list[Prediction]] = {}
    for place, (system, answering) in enumerate(((MODEL, loaded), (UNTRAINED, untrained(loaded)))):
        predictions[system] = predict(answering, examples, batch, PassProgress(reporter, place * count, 2 * count))
    with CpuHeartbeat(reporter):
        for name, baseline in load_baselines(scoring).items():
            predictions[name] = baseline.predict(Known(*known), examples.documents)
    return predictions


def load_baselines(scoring: Scoring) -> Mapping[str, Baseline]:
    """The baselines of a task, in order of their names."""
    return {name: load_object(scoring.baselines[name]) for name in sorted(scoring.baselines)}
