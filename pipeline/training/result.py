"""What a training returns, and the model folder it writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from pipeline.models.adapters import merge_adapter
from pipeline.models.files import save_model
from pipeline.training.loop import VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.models.info import ModelInfo
    from pipeline.models.text_model import TextModel
    from pipeline.training.job import TrainingJob
    from pipeline.training.loop import LoopResult


@dataclass(frozen=True)
class TrainingResult:
    """What a training reports besides the files of its model."""

    metrics: dict[str, float]
    """Final figures: steps, tokens, parameters, the last training loss, and what the validation of the kept weights found; losses in nats per
    label."""
    environment: dict[str, str]
    """What it was computed on: device, threads, kernel, precision, number of processes."""


def save_result(
    job: TrainingJob,
    model: TextModel,
    info: ModelInfo,
    trained: LoopResult,
    tokenizer: Path,
    *,
    keep_adapter: bool = False,
    base: Path | None = None,
) -> TrainingResult:
    """Write the model folder, on rank 0 only, and sum up.

    Args:
        job: where the folder goes.
        model: its configuration is written.
        info: what the model is.
        trained: its weights and history are written.
        tokenizer: folder of the tokenizer to ship with the model.
        keep_adapter: write an adapter beside its base instead of merging it.
        base: folder whose files hold the frozen weights, if there is one; they are kept beside an adapter.
    """
    parameters = sum(weight.numel() for weight in model.named_weights().values())
    if job.process_group.is_main:
        model.float()
        with torch.no_grad():
            for name, weight in model.named_weights().items():
                if name in trained.weights:
                    weight.copy_(trained.weights[name])
        if not keep_adapter:
            merge_adapter(model.core)
        save_model(model, job.output, info, tokenizer=tokenizer, history=trained.history, base=base)
    metrics = {
        "steps": float(trained.steps),
        "tokens": float(trained.tokens),
        "parameters": float(parameters),
        "trained_parameters": float(sum(weight.numel() for weight in trained.weights.values())),
        "train_loss": trained.history[-1]["loss"],
        **{name: figure for name, figure in trained.kept.items() if name.startswith(VALIDATION)},
    }
    environment = {key: str(value) for key, value in asdict(trained.compute_setup).items()}
    return TrainingResult(metrics, {**environment, "processes": trained.processes})
