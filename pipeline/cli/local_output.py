"""Output of a local run: the plan, then the log lines of each step as they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.cli.progress import format_duration
from pipeline.local.command import is_reference

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.artifacts.manifest import Reference
    from pipeline.planning.plan import Plan


class LocalOutput:
    """Prints the events of a local run; see `pipeline.local.run.RunListener`."""

    def __init__(self, console: Console) -> None:
        """Print nothing yet.

        Args:
            console: where to print.
        """
        self.console = console
        self._started: dict[str, float] = {}

    def on_plan(self, plan: Plan) -> None:
        """Print one line for each step: whether it runs, and why; then the warnings."""
        for row in plan.steps:
            self._print(f"{row.id:<20} {row.status.label:<8} {row.reason}".rstrip())
        for warning in plan.warnings:
            self._print(f"warning: {warning}")

    def on_step_start(self, step_id: str) -> None:
        """Print that a step starts."""
        self._started[step_id] = time.monotonic()
        self._print(f"{step_id} running")

    def on_step_line(self, step_id: str, line: str) -> None:
        """Print a line of its log."""
        if is_reference(line):  # `on_step_end` prints its digest
            return
        self._print(f"{step_id}: {line}")

    def on_step_end(self, step_id: str, reference: Reference | None) -> None:
        """Print how a step ended."""
        started = self._started.get(step_id)
        if reference is None:
            self._print(f"{step_id} skipped")
        elif started is None:
            self._print(f"{step_id} cached {reference.digest[:12]}")
        else:
            self._print(f"{step_id} done {format_duration(time.monotonic() - started)} {reference.digest[:12]}")

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
