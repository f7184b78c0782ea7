"""The state of a run between two steps, and its checkpoint.

=================== ================================================================================
weights.safetensors the fp32 weights
best.safetensors    the fp32 weights of the best look so far, where early stopping keeps them
optimizer.safetensors moments and momentum
state.json          step, what was chosen at first start, early stopping, history, running means
=================== ================================================================================

There is no generator state to keep: sample order and masks are functions of seed and step, and torch's generator, which
only dropout uses, is seeded anew at every step.
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
from pipeline.training.early_stopping import Patience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

WEIGHTS, BEST, OPTIMIZER, STATE = "weights.safetensors", "best.safetensors", "optimizer.safetensors", "state.json"


@dataclass
class Mean:
    """A running mean that survives a restart exactly."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Take note of a value."""
        self.total, self.count = self.total + value, self.count + 1

    def take(self) -> float:
        """The mean since the last call."""
        mean = self.total / self.count
        self.total, self.count = 0.0, 0
        return mean


@dataclass
class State:
    """Everything that changes while a run goes on, apart from weights and optimizer."""

    machine: ComputeSetup
    patience: Patience
    step: int = 0
    """Optimizer steps done."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row per look at the validation split; no times, so that equal runs give equal files."""
    since_look: Mean = field(default_factory=Mean)
    """Training loss since the last look."""
    since_report: Mean = field(default_factory=Mean)
    """Training loss since the last metric."""
    stopped: bool = False
    """Whether early stopping has ended the run."""
    processes: list[list[int]] = field(default_factory=list)
    """How many processes trained: pairs of the step from which on, and their number. Another number than before adds one."""

    def resized(self, processes: int) -> bool:
        """Take note of how many processes train now; True if there were others before."""
        changed = bool(self.processes) and self.processes[-1][1] != processes
        if changed or not self.processes:
            self.processes.append([self.step, processes])
        return changed

    @property
    def told_processes(self) -> str:
        """Their number, for people: ``2``, or ``2, 1 from step 40``."""
        return ", ".join(f"{number} from step {step}" if step else str(number) for step, number in self.processes)


def write_checkpoint(
    folder: Path, state: State, exact: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], best: Mapping[str, Tensor]
) -> None:
    """Write a checkpoint into an empty folder; ``best`` may be empty."""
    for name, tensors in ((WEIGHTS, exact), (OPTIMIZER, optimizer), (BEST, best)):
        if tensors:
            save_file({key: tensors[key].detach().cpu().contiguous() for key in sorted(tensors)}, folder / name)
    (folder / STATE).write_text(json.dumps(asdict(state), indent=2, sort_keys=True) + "\n")


def read_state(folder: Path) -> State:
    """Read what is not tensors.

    Raises:
        Damaged: the file is not what `write_checkpoint` wrote.
    """
    try:
        data: dict[str, Any] = json.loads((folder / STATE).read_text())
        data["machine"], data["patience"] = ComputeSetup(**data["machine"]), Patience(**data["patience"])
        data["since_look"], data["since_report"] = Mean(**data["since_look"]), Mean(**data["since_report"])
        return State(**data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"checkpoint cannot be read: {error}", "a whole checkpoint", "run again") from error


def read_tensors(folder: Path, exact: Mapping[str, Tensor], optimizer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write a checkpoint's tensors into the live ones, and return the best weights it keeps.

    Raises:
        Damaged: a file is missing or broken, or does not fit the model.
    """
    try:
        for name, live in ((WEIGHTS, exact), (OPTIMIZER, optimizer)):
            _fill(live, load_file(folder / name))
        return load_file(folder / BEST) if (folder / BEST).exists() else {}
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise Damaged(f"checkpoint cannot be read: {error}", "a whole checkpoint", "run again") from error


@torch.no_grad()
def _fill(live: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    for name in sorted(live):
        live[name].copy_(saved[name])
