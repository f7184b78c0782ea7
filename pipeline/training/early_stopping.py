"""Early stopping: keep the weights of the best validation, and stop when validations no longer get better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """How many validations have passed without a better score.

    Attributes:
        patience: validations without a better score before training stops; None disables early stopping.
        higher_is_better: direction of the score; False for the validation loss.
        best: best score so far; None before the first validation.
        without_improvement: validations since the best one.
    """

    patience: int | None
    higher_is_better: bool = False
    best: float | None = None
    without_improvement: int = 0

    def update(self, score: float) -> bool:
        """Record the score of a validation; True if it is the best so far."""
        if self.best is None or (score > self.best if self.higher_is_better else score < self.best):
            self.best, self.without_improvement = score, 0
            return True
        self.without_improvement += 1
        return False

    @property
    def should_stop(self) -> bool:
        """Whether training should stop now."""
        return self.patience is not None and self.without_improvement >= self.patience
