"""How a step at work speaks to the outside, and how the outside speaks to it.

Two small protocols that the ML side is written against. The runtime implements them on the artifact store and MLflow; a
test, or a notebook, may hand in something simpler. `SilentReporter` is the simplest: it hears nothing and never interrupts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Reporter(Protocol):
    """What a step tells while it works."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Say how far the step is; cheap enough to be called often.

        Args:
            done: units finished.
            total: units in all; 0 when not known.
            unit: what is counted, plural, e.g. ``"steps"``.
            figures: what else a person may want to see live, e.g. ``loss=2.1, tokens_per_s=9000``.
        """

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record values for MLflow. They are sent once the checkpoint that covers ``step`` is committed."""

    def stopping(self) -> bool:
        """Whether the step was told to stop: checkpoint at the next step boundary and raise `Preempted`."""


class Checkpoints(Protocol):
    """Where a training step keeps its state, so that the next attempt goes on from there."""

    def newest(self) -> Path | None:
        """Folder of the newest complete checkpoint, verified, to be read only; None when there is none."""

    def save(self, step: int, folder: Path) -> None:
        """Commit the files of ``folder`` as the checkpoint after ``step`` optimizer steps.

        Raises:
            Preempted: another attempt holds the lease now; this one must end without writing anything more.
        """


class SilentReporter:
    """A reporter nobody reads."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Say nothing."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record nothing."""

    def stopping(self) -> bool:
        """Never asked to stop."""
        return False
