"""Early stopping: keep the weights of the best validation, and stop when the validation loss no longer improves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """How many validations have passed without a better loss.

    Attributes:
        patience: validations without a better loss before training stops; None disables early stopping.
        best: lowest validation loss so far, in nats per label.
        without_improvement: validations since the best one.
    """

    patience: int | None
    best: float = float("inf")
    without_improvement: int = 0

    def update(self, loss: float) -> bool:
        """Record a validation loss; True if it is the best so far."""
        if loss < self.best:
            self.best, self.without_improvement = loss, 0
            return True
        self.without_improvement += 1
        return False

    @property
    def should_stop(self) -> bool:
        """Whether training should stop now."""
        return self.patience is not None and self.without_improvement >= self.patience
