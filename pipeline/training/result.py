"""What a training returns, and the model folder it writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipeline.models.files import save_model

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.models.base import TextModel
    from pipeline.models.shape import ModelInfo
    from pipeline.training.job import TrainingJob
    from pipeline.training.loop import LoopResult


@dataclass(frozen=True)
class TrainingResult:
    """What a training reports besides the files of its model."""

    metrics: dict[str, float]
    """Final figures: steps, parameters, losses in nats per label."""
    environment: dict[str, str]
    """What it was computed on: device, threads, kernel, precision, number of processes."""


def save_result(job: TrainingJob, model: TextModel, info: ModelInfo, trained: LoopResult, tokenizer: Path) -> TrainingResult:
    """Write the model folder, on rank 0 only, and sum up.

    Args:
        job: where the folder goes.
        model: its configuration is written.
        info: what the model is.
        trained: its weights and history are written.
        tokenizer: the ``tokenizer.json`` to ship with the model.
    """
    if job.process_group.is_main:
        save_model(model, job.output, info, tokenizer=tokenizer, weights=trained.weights, history=trained.history)
    metrics = {
        "steps": float(trained.steps),
        "parameters": float(sum(weight.numel() for weight in trained.weights.values())),
        "train_loss": trained.history[-1]["loss"],
        "validation_loss": min(row["validation_loss"] for row in trained.history),
    }
    environment = {key: str(value) for key, value in asdict(trained.compute_setup).items()}
    return TrainingResult(metrics, {**environment, "processes": trained.processes})
