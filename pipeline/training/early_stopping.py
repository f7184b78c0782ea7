"""Early stopping: keep the weights of the best look at the validation split, and stop when none has been better for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Patience:
    """How long no look was better.

    Attributes:
        looks: looks without a better loss before training stops; None never stops and never keeps the best.
        best: lowest validation loss so far.
        waited: looks since.
    """

    looks: int | None
    best: float = float("inf")
    waited: int = 0

    def better(self, loss: float) -> bool:
        """Take note of a look; True if it is the best so far."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return True
        self.waited += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether training should stop."""
        return self.looks is not None and self.waited >= self.looks
