"""The state of a run between two steps, and its checkpoint files.

===================== ==============================================================================
weights.safetensors   the fp32 master weights
best.safetensors      the fp32 weights of the best validation so far; only with early stopping
optimizer.safetensors moments and momentum
state.json            step, compute setup, early stopping, history, running means, world sizes
===================== ==============================================================================

No random generator is stored: sample order and masks are functions of seed and step, and torch's generator, which only dropout
uses, is seeded again at every step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pipeline.errors import Damaged
from pipeline.training.device import ComputeSetup
from pipeline.training.early_stopping import EarlyStopping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

WEIGHTS, BEST, OPTIMIZER, STATE = "weights.safetensors", "best.safetensors", "optimizer.safetensors", "state.json"


@dataclass
class RunningMean:
    """A running mean that survives a restart exactly."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Add a value."""
        self.total, self.count = self.total + value, self.count + 1

    def take(self) -> float:
        """The mean since the last call."""
        mean = self.total / self.count
        self.total, self.count = 0.0, 0
        return mean


@dataclass
class TrainingState:
    """Everything that changes during a run, apart from weights and optimizer."""

    compute_setup: ComputeSetup
    early_stopping: EarlyStopping
    step: int = 0
    """Optimizer steps done."""
    tokens: int = 0
    """Tokens trained on, padding included."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row per validation; no times, so that equal runs give equal files."""
    since_validation: RunningMean = field(default_factory=RunningMean)
    """Training loss since the last validation."""
    since_report: RunningMean = field(default_factory=RunningMean)
    """Training loss since the last metric."""
    stopped: bool = False
    """Whether early stopping has ended the run."""
    world_sizes: list[list[int]] = field(default_factory=list)
    """Pairs of a step and the world size from that step on; one more pair for each change."""

    def record_world_size(self, world_size: int) -> bool:
        """Record how many processes train now; True if the number changed."""
        changed = bool(self.world_sizes) and self.world_sizes[-1][1] != world_size
        if changed or not self.world_sizes:
            self.world_sizes.append([self.step, world_size])
        return changed

    @property
    def processes(self) -> str:
        """The world sizes as text: ``2``, or ``2, 1 from step 40``."""
        return ", ".join(f"{number} from step {step}" if step else str(number) for step, number in self.world_sizes)


def write_checkpoint(
    folder: Path, state: TrainingState, weights: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], best: Mapping[str, Tensor]
) -> None:
    """Write a checkpoint into an empty folder; ``best`` may be empty."""
    for name, tensors in ((WEIGHTS, weights), (OPTIMIZER, optimizer), (BEST, best)):
        if tensors:
            save_file({key: tensors[key].detach().cpu().contiguous() for key in sorted(tensors)}, folder / name)
    (folder / STATE).write_text(json.dumps(asdict(state), indent=2, sort_keys=True) + "\n")


def read_state(folder: Path) -> TrainingState:
    """Read `state.json` of a checkpoint.

    Raises:
        Damaged: the file is not what `write_checkpoint` wrote.
    """
    try:
        data: dict[str, Any] = json.loads((folder / STATE).read_text())
        data["compute_setup"] = ComputeSetup(**data["compute_setup"])
        data["early_stopping"] = EarlyStopping(**data["early_stopping"])
        data["since_validation"], data["since_report"] = RunningMean(**data["since_validation"]), RunningMean(**data["since_report"])
        return TrainingState(**data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"checkpoint cannot be read: {error}", "a whole checkpoint", "run again") from error


def read_tensors(folder: Path, weights: Mapping[str, Tensor], optimizer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy a checkpoint's tensors into the live ones, and return the best weights it keeps.

    Raises:
        Damaged: a file is missing or broken, or does not fit the model.
    """
    try:
        for name, live in ((WEIGHTS, weights), (OPTIMIZER, optimizer)):
            _copy_into(live, load_file(folder / name))
        return load_file(folder / BEST) if (folder / BEST).exists() else {}
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise Damaged(f"checkpoint cannot be read: {error}", "a whole checkpoint", "run again") from error


@torch.no_grad()
def _copy_into(live: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    for name in sorted(live):
        live[name].copy_(saved[name])
