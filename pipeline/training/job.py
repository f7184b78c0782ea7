"""What pretraining and fine-tuning both take: inputs, output, and what the run computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.training.process_group import SINGLE_PROCESS, ProcessGroup

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe import Model
    from pipeline.reporter import Checkpoints, Reporter


@dataclass(frozen=True)
class TrainingJob:
    """One training, apart from its params."""

    tokens: Path
    """Folder that tokenization wrote, as far as this step reads it."""
    model: Model
    """The recipe's ``model`` section."""
    output: Path
    """Empty folder for the model; its files are described in `pipeline.models.files`."""
    device: str
    """``cpu``, ``cuda`` or ``auto``."""
    threads: int | None
    """CPU threads; None takes all cores the process may use."""
    reporter: Reporter
    """Gets progress and metrics, and may ask to stop."""
    checkpoints: Checkpoints
    """Where the state is kept."""
    process_group: ProcessGroup = SINGLE_PROCESS
    """The processes that train together."""
    base: Path | None = None
    """Folder of a model to start from; None starts from random weights."""
    corpus: Path | None = None
    """Folder with the validation documents of the corpus; only where early stopping looks at a metric."""
