"""The systems that are compared: the model, the same model untrained, and the baselines of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.baselines.base import Known
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.models.files import Loaded, answering, load_base
from pipeline.models.files import untrained as random_weights
from pipeline.reporter import CpuHeartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.baselines.base import Baseline
    from pipeline.evaluation.scoring import Scoring
    from pipeline.metrics.base import Prediction
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


def untrained(loaded: Loaded, base: Path | None) -> Loaded | None:
    """The model before its first step: the base it started from with a new head, or the seed's random weights.

    Args:
        loaded: the trained model.
        base: folder of the base model, if the evaluation was given it.

    Returns:
        None if the model started from weights that are not given here.
    """
    info = loaded.info
    model = load_base(base, info.head, 0.0, info.seed, info.vocabulary.pad) if base else random_weights(info)
    return Loaded(answering(model, loaded.device), loaded.tokenizer, info, loaded.folder) if model else None


def run_systems(
    models: Mapping[str, Loaded],
    known: Examples,
    examples: Examples,
    scoring: Scoring,
    predict: PredictModel,
    batch: int,
    reporter: Reporter,
) -> dict[str, list[Prediction]]:
    """Predictions of every system for all examples: the models first, then the baselines by name.

    Args:
        models: the model, and the untrained one if there is one, by their names as systems.
        known: training documents that baselines learn from.
        examples: what to answer.
        scoring: the task's baselines.
        predict: how a model answers.
        batch: documents answered at once.
        reporter: gets progress and heartbeats.
    """
    count = len(examples.documents)
    predictions: dict[str, list[Prediction]] = {}
    for place, (system, loaded) in enumerate(models.items()):
        predictions[system] = predict(loaded, examples, batch, PassProgress(reporter, place * count, len(models) * count))
    with CpuHeartbeat(reporter):
        for name, baseline in load_baselines(scoring).items():
            predictions[name] = baseline.predict(Known(*known), examples.documents)
    return predictions


def load_baselines(scoring: Scoring) -> Mapping[str, Baseline]:
    """The baselines of a task, in order of their names."""
    return {name: BASELINES.load(name) for name in sorted(scoring.baselines)}
