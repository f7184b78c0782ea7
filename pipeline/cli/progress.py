"""The live view of a run: one row per step, drawn from what Airflow and the store know.

The rows themselves are plain data (`Row`), so that a terminal draws them as a table and a pipe prints what changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from rich.table import Table

    from pipeline.planning.plan import Plan
    from pipeline.runs.records import StepProgress
    from pipeline.submission.airflow_client import Task

SIGNS = {
    "done": "[green]✓[/]",
    "cached": "[cyan]=[/]",
    "left out": "[dim]-[/]",
    "running": "[yellow]▶[/]",
    "failed": "[red]✗[/]",
    "not reached": "[dim]·[/]",
    "waiting": "[dim]·[/]",
    "retrying": "[yellow]↻[/]",
}
WORDS = {"success": "done", "failed": "failed", "upstream_failed": "not reached", "up_for_retry": "retrying", "running": "running"}
GONE = frozenset({"done", "cached", "left out"})


class Row(NamedTuple):
    """One step of a run, for people."""

    step: str
    state: str
    """One of the keys of `SIGNS`."""

    seconds: float | None
    """How long it took, or has been at work."""

    detail: str
    """How far it is, its figures, the time left; or why it runs."""

    left_s: float | None
    """Seconds it will still take, where that can be told."""


class RunSnapshot(NamedTuple):
    """What is known of a run at one moment."""

    tasks: Mapping[str, Task]
    """Airflow's view of its tasks, by step."""

    plan: Plan | None
    """The plan, once there is one."""

    progress: Mapping[str, StepProgress]
    """Live progress of the steps at work."""

    left_out: Container[str] = ()
    """Skipped steps that have no artifact."""

    failed: bool = False
    """Whether the run failed; when a person ends it, Airflow marks what had not begun as skipped."""


def rows(steps: Sequence[str], seen: RunSnapshot) -> list[Row]:
    """What to show of each step.

    Args:
        steps: their ids, in the order of the line.
        seen: what is known of them.
    """
    return [_row(step, seen) for step in steps]


def time_left(shown: Sequence[Row]) -> float | None:
    """Seconds until all steps are done, one after another; None when a step's share is not known."""
    open_rows = [row.left_s for row in shown if row.state not in GONE]
    return None if None in open_rows else sum(seconds for seconds in open_rows if seconds is not None)


def table(shown: Sequence[Row], caption: str) -> Table:
    """The rows as a table for a terminal."""
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for heading in ("", "step", "state", "time", ""):
        drawn.add_column(heading, no_wrap=True, justify="right" if heading == "time" else "left")
    for row in shown:
        drawn.add_row(SIGNS[row.state], row.step, row.state, "" if row.seconds is None else span(row.seconds), row.detail)
    return drawn


def span(seconds: float) -> str:
    """A duration for people: ``4.2 s``, ``3:07 min``, ``1:02 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def _row(step: str, seen: RunSnapshot) -> Row:
    task, progress = seen.tasks.get(step), seen.progress.get(step)
    planned = next((row for row in seen.plan.steps if row.id == step), None) if seen.plan else None
    state = _state(task, ("not reached" if seen.failed else "left out") if step in seen.left_out else "cached")
    # of a step that waited for others the plan only knew that it had to wait
    reason = planned.reason if planned and planned.status.value == "miss" else ""
    estimate = planned.seconds if planned else None
    if state == "running":
        seconds = _since(task.started) if task and task.started else None
        left = _left(progress) if progress else estimate
        return Row(step, state, seconds, describe(progress) if progress else reason, left)
    seconds = task.seconds if task and state in {"done", "failed"} else None
    return Row(step, state, seconds, "" if state in {"done", "cached"} else reason, estimate)


def _state(task: Task | None, skipped: str) -> str:
    state = task.state if task else "none"
    if state == "skipped":
        return skipped
    if state == "restarting":
        return "retrying"
    return WORDS.get(state, "waiting")


def describe(progress: StepProgress) -> str:
    """``300/3000 steps  loss 2.13  tokens_per_s 9120  1:12 min left``."""
    total = f"/{progress.total:g}" if progress.total else ""
    figures = [f"{name} {value:.4g}" for name, value in progress.figures.items()]
    left = _left(progress)
    return "  ".join([f"{progress.done:g}{total} {progress.unit}", *figures, *([f"{span(left)} left"] if left else [])])


def _left(progress: StepProgress) -> float | None:
    """Time left, if it goes on as it went since the attempt began."""
    if not progress.total or not progress.done:
        return None
    spent = (progress.updated - progress.started).total_seconds()
    return max(0.0, spent * (progress.total - progress.done) / progress.done)


def _since(started: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds())
