"""Progress of an evaluation: one pass over the examples for each model, summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.reporter import Reporter


@dataclass(frozen=True)
class PassProgress:
    """Progress of one pass, or of a part of one, over the examples."""

    reporter: Reporter
    before: float
    """Examples of the earlier passes."""
    total: float
    """Examples of all passes."""
    share: float = 1.0
    """How much of an example is finished when this part of the pass is done with it."""

    def part(self, place: int, parts: int, count: int) -> PassProgress:
        """Progress of one of several parts of this pass, e.g. of answering before scoring.

        Args:
            place: 0 for the first part.
            parts: number of parts.
            count: examples of the pass.
        """
        share = self.share / parts
        return PassProgress(self.reporter, self.before + place * share * count, self.total, share)

    def report(self, done: int) -> None:
        """Report the number of examples that this part has finished."""
        self.reporter.progress(self.before + self.share * done, self.total, "examples")

    def beat(self) -> None:
        """Tell the watchdog that the pass is alive."""
        self.reporter.beat()
