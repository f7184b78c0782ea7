"""What a person sees of a run on this machine: the plan, then each step's own log lines as they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.cli.progress import span
from pipeline.local.command import is_reference

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.artifacts.manifest import Reference
    from pipeline.planning.plan import Plan


class LocalView:
    """Shows what `pipeline.local` tells; see `pipeline.local.run.Listener`."""

    def __init__(self, console: Console) -> None:
        """Show nothing yet.

        Args:
            console: where to print.
        """
        self.console = console
        self._began: dict[str, float] = {}

    def on_plan(self, plan: Plan) -> None:
        """Say what will run and why, one line a step."""
        for row in plan.steps:
            self._print(f"{row.id:<20} {row.status.label:<8} {row.reason}".rstrip())

    def on_step_start(self, step_id: str) -> None:
        """A step begins."""
        self._began[step_id] = time.monotonic()
        self._print(f"{step_id} begins")

    def on_step_line(self, step_id: str, line: str) -> None:
        """A line of its log."""
        if is_reference(line):  # `ended` tells its digest
            return
        self._print(f"{step_id}: {line}")

    def on_step_end(self, step_id: str, reference: Reference | None) -> None:
        """A step is done."""
        began = self._began.get(step_id)
        if reference is None:
            self._print(f"{step_id} left out")
        elif began is None:
            self._print(f"{step_id} cached {reference.digest[:12]}")
        else:
            self._print(f"{step_id} done in {span(time.monotonic() - began)} {reference.digest[:12]}")

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
