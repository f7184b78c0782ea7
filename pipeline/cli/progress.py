"""Progress of a run: one row for each step, from the states in Airflow and the records in the store.

The rows are plain data (`StepRow`): a terminal shows them as a table, and a pipe prints a line for each change.
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
    "skipped": "[dim]-[/]",
    "running": "[yellow]▶[/]",
    "failed": "[red]✗[/]",
    "not reached": "[dim]·[/]",
    "queued": "[dim]·[/]",
    "retrying": "[yellow]↻[/]",
}
STATES = {"success": "done", "failed": "failed", "upstream_failed": "not reached", "up_for_retry": "retrying", "running": "running"}
"""State of a step by the state of its Airflow task; any other task is queued, cached or skipped."""

FINISHED = frozenset({"done", "cached", "skipped"})


class StepRow(NamedTuple):
    """One step of a run, for people."""

    step: str
    state: str
    """One of the keys of `SIGNS`."""

    seconds: float | None
    """How long it took, or has been running."""

    detail: str
    """Steps done, metrics and time left of a running step; else why it runs, or what it waits for."""

    left_s: float | None
    """Estimate of the seconds that it still takes; None if unknown."""


class RunSnapshot(NamedTuple):
    """The state of a run at one moment."""

    tasks: Mapping[str, Task]
    """Airflow's tasks by step."""

    plan: Plan | None
    """The plan; None before it is made."""

    progress: Mapping[str, StepProgress]
    """Live progress of the running steps."""

    skipped: Container[str] = ()
    """Steps that do not run because a required input does not exist; Airflow marks cached steps as skipped too."""

    failed: bool = False
    """Whether the run failed. If a person stops it, Airflow marks the tasks that had not started as skipped."""


def step_rows(steps: Sequence[str], snapshot: RunSnapshot) -> list[StepRow]:
    """Return one row for each step.

    Args:
        steps: ids of the steps, in the order of the line.
        snapshot: the state of the run.
    """
    return [_row(step, snapshot) for step in steps]


def time_left(rows: Sequence[StepRow]) -> float | None:
    """Seconds until all steps are done, one after another; None if one of them has no estimate."""
    open_rows = [row.left_s for row in rows if row.state not in FINISHED]
    return None if None in open_rows else sum(seconds for seconds in open_rows if seconds is not None)


def progress_table(rows: Sequence[StepRow], caption: str) -> Table:
    """The rows as a table for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for heading in ("", "step", "state", "time"):
        drawn.add_column(heading, no_wrap=True, justify="right" if heading == "time" else "left")
    drawn.add_column()
    for row in rows:
        took = "" if row.seconds is None else format_duration(row.seconds)
        # in a narrow terminal only the detail is cut
        drawn.add_row(SIGNS[row.state], row.step, row.state, took, Text(row.detail, no_wrap=True, overflow="ellipsis"))
    return drawn


def progress_line(name: str, rows: Sequence[StepRow], seconds: float) -> str:
    """The run in one line: ``pydocs-1: 3 of 7 steps done, finetuning running, 3:07 min, about 1:12 min left``."""
    running = [row.step for row in rows if row.state in {"running", "retrying"}]
    left = time_left(rows)
    parts = [f"{sum(row.state in FINISHED for row in rows)} of {len(rows)} steps done"]
    parts += [f"{', '.join(running)} running"] if running else []
    parts += [format_duration(seconds)]
    parts += [f"about {format_duration(left)} left"] if left else []
    return f"{name}: {', '.join(parts)}"


def format_duration(seconds: float) -> str:
    """A duration for people: ``4.2 s``, ``3:07 min``, ``1:02 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def _row(step: str, snapshot: RunSnapshot) -> StepRow:
    task, progress = snapshot.tasks.get(step), snapshot.progress.get(step)
    planned = next((row for row in snapshot.plan.steps if row.id == step), None) if snapshot.plan else None
    state = _state(task, ("not reached" if snapshot.failed else "skipped") if step in snapshot.skipped else "cached")
    # the reason of a pending step is the step that it waits for, which is old news once it runs
    known = planned is not None and planned.status.value in ({"miss", "pending"} if state == "queued" else {"miss"})
    reason = planned.reason if planned and known else ""
    estimate = planned.seconds if planned else None
    if state == "running":
        seconds = _since(task.started) if task and task.started else None
        left = _left(progress) if progress else estimate
        return StepRow(step, state, seconds, describe(progress) if progress else reason, left)
    seconds = task.seconds if task and state in {"done", "failed"} else None
    return StepRow(step, state, seconds, "" if state in {"done", "cached"} else reason, estimate)


def _state(task: Task | None, skipped: str) -> str:
    state = task.state if task else "none"
    if state == "skipped":
        return skipped
    if state == "restarting":
        return "retrying"
    return STATES.get(state, "queued")


def describe(progress: StepProgress) -> str:
    """``300/3000 steps  loss 2.13  tokens_per_s 9120  1:12 min left``."""
    total = f"/{progress.total:g}" if progress.total else ""
    figures = [f"{name} {value:.4g}" for name, value in progress.figures.items()]
    left = _left(progress)
    return "  ".join([f"{progress.done:g}{total} {progress.unit}", *figures, *([f"{format_duration(left)} left"] if left else [])])


def _left(progress: StepProgress) -> float | None:
    """Seconds left, at the average speed of this attempt."""
    if not progress.total or not progress.done:
        return None
    spent = (progress.updated - progress.started).total_seconds()
    return max(0.0, spent * (progress.total - progress.done) / progress.done)


def _since(started: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds())
