"""Progress of an evaluation: several passes over the examples, summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.reporter import Reporter


@dataclass(frozen=True)
class PassProgress:
    """Progress of one pass over the examples."""

    reporter: Reporter
    before: int
    """Examples of the earlier passes."""
    total: int
    """Examples of all passes."""

    def report(self, done: int) -> None:
        """Report the number of examples that this pass has finished."""
        self.reporter.progress(self.before + done, self.total, "examples")

    def beat(self) -> None:
        """Tell the watchdog that the pass is alive."""
        self.reporter.beat()
