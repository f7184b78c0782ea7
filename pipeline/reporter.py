"""How a step reports to the outside: progress and metrics, requests to stop, and checkpoints.

The ML side is written against these two protocols. The runtime implements them on the artifact store and MLflow; a test or a notebook
may pass something simpler. `SilentReporter` records nothing and never asks to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Reporter(Protocol):
    """Gets progress and metrics of a step, and may ask it to stop."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Report how far the step is; cheap enough to call often.

        Args:
            done: units finished.
            total: units in all; 0 if unknown.
            unit: what is counted, plural, e.g. ``"steps"``.
            figures: more values to show live, e.g. ``loss=2.1, tokens_per_s=9000``.
        """

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record values for MLflow. They are sent once the checkpoint that covers ``step`` is committed."""

    def stopping(self) -> bool:
        """Whether the step must stop: save a checkpoint at the next step boundary and raise `Preempted`."""


class Checkpoints(Protocol):
    """Where a training step keeps its state, so that the next attempt can resume."""

    def newest(self) -> Path | None:
        """Folder of the newest complete checkpoint, verified and read-only; None if there is none."""

    def save(self, step: int, folder: Path) -> None:
        """Commit the files of ``folder`` as the checkpoint after ``step`` optimizer steps.

        Raises:
            Preempted: another attempt holds the lease now; this one must end without further writes.
        """


class SilentReporter:
    """A reporter that records nothing."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Ignore the progress."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Ignore the values."""

    def stopping(self) -> bool:
        """Never asks to stop."""
        return False
