"""The beginning and the end that pretraining and fine-tuning share: choosing the machine, writing the model folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipeline.models.files import save_model
from pipeline.training.device import ComputeSetup, choose_kernel, choose_threads, find_device
from pipeline.training.precision import choose_precision

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.models.base import TextModel
    from pipeline.models.shape import Info
    from pipeline.training.loop import Trained


@dataclass(frozen=True)
class Outcome:
    """What a training step tells besides its files."""

    metrics: dict[str, float]
    """Final figures."""
    environment: dict[str, str]
    """What it was computed on: device, threads, kernel, precision, number of processes."""


def first_choice(device: str, threads: int | None, precision: str, positions: int, beside: int = 1) -> ComputeSetup:
    """What a run computes on if it is not resumed.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: CPU threads; None takes all cores the process may use.
        precision: ``fp32``, ``bf16`` or ``auto``.
        positions: longest sequence.
        beside: how many processes of the training share the machine.

    Raises:
        BadInput: the device is not there.
    """
    found = find_device(device)
    return ComputeSetup(found.type, choose_threads(threads, beside), choose_kernel(found, positions), choose_precision(precision, found))


def finish(model: TextModel, info: Info, trained: Trained, tokenizer: Path, output: Path, *, write: bool = True) -> Outcome:
    """Write the model folder, unless another rank does, and sum up."""
    if write:
        save_model(model, output, info, tokenizer=tokenizer, weights=trained.weights, history=trained.history)
    looks = trained.history
    metrics = {
        "steps": float(trained.steps),
        "parameters": float(sum(weight.numel() for weight in trained.weights.values())),
        "train_loss": looks[-1]["loss"],
        "validation_loss": min(row["validation_loss"] for row in looks),
    }
    environment = {key: str(value) for key, value in asdict(trained.machine).items()}
    return Outcome(metrics, {**environment, "processes": trained.processes})
