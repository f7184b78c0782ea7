"""Follow a run in Airflow until it ends, and raise the error of a failed one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.cli.progress import RunSnapshot, StepRow, format_duration, progress_line, progress_table, step_rows
from pipeline.errors import BadInput, Interrupted, TrainshedError, Unavailable
from pipeline.runs.names import PLAN_TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Reference
    from pipeline.planning.plan import Plan
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, DagRun, Task

POLL_S = 1.0
RESCHEDULED = "up_for_reschedule"


class WatchedRun(NamedTuple):
    """A run, and where its state is."""

    airflow: Airflow
    run: DagRun
    name: str
    steps: tuple[str, ...]
    store: Store


def watch(airflow: Airflow, run: DagRun, steps: tuple[str, ...], settings: Settings, console: Console) -> None:
    """Show the progress of a run until it ends.

    Args:
        airflow: where it runs.
        run: the run.
        steps: ids of its steps in the order of the line.
        settings: where the store is.
        console: where to print; a console that is no terminal gets a line for each change.

    Raises:
        Interrupted: Ctrl-C; the run continues.
        BadInput: a step ended with exit code 2.
        Unavailable: every attempt of a step ended with exit code 75.
        TrainshedError: a step ended with exit code 1.
    """
    from pipeline.artifacts import open_store
    from pipeline.runs.names import run_name

    name = run_name(run.dag, run.id)
    watched = WatchedRun(airflow, run, name, steps, open_store(settings))
    try:
        state = _show_table(watched, console) if console.is_terminal else _print_changes(watched, console)
    except KeyboardInterrupt as error:
        raise Interrupted(f"detached; {name} continues: `trainshed watch {name}` shows it, `trainshed stop {name}` stops it") from error
    if state != "success":
        raise failure_of(watched)


def _show_table(watched: WatchedRun, console: Console) -> str:
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        return _follow(watched, console, lambda rows, caption: live.update(progress_table(rows, caption), refresh=True))


def _print_changes(watched: WatchedRun, console: Console) -> str:
    printed: dict[str, str] = {}

    def show(rows: list[StepRow], _caption: str) -> None:
        for row in rows:
            if printed.get(row.step, "queued") != row.state:
                took = f" {format_duration(row.seconds)}" if row.seconds is not None and row.state != "running" else ""
                console.print(f"{row.step} {row.state}{took} {row.detail}".rstrip(), highlight=False, soft_wrap=True)
            printed[row.step] = row.state

    return _follow(watched, console, show)


def _follow(watched: WatchedRun, console: Console, show: Callable[[list[StepRow], str], None]) -> str:
    """Poll until the run has ended, and return its state; the last poll is after the end. Warnings of the plan are printed once."""
    started = time.monotonic()
    plan: Plan | None = None
    warned: set[str] = set()
    while True:
        state = watched.airflow.run(watched.run.dag, watched.run.id).state
        plan = _read_plan(watched.store, watched.name) or plan
        for warning in plan.warnings if plan else ():
            if warning not in warned:
                console.print(f"warning: {warning}", markup=False)
                warned.add(warning)
        rows = _read_rows(watched, plan, failed=state == "failed")
        show(rows, _caption(watched, state, rows, time.monotonic() - started))
        if state in {"success", "failed"}:
            return state
        time.sleep(POLL_S)


def _read_rows(watched: WatchedRun, plan: Plan | None, *, failed: bool) -> list[StepRow]:
    from pipeline.runs.records import read_progress

    tasks = watched.airflow.tasks(watched.run.dag, watched.run.id)
    _check_startable(watched, tasks.values())
    running = [step for step in watched.steps if step in tasks and tasks[step].state == "running"]
    records = {step: read_progress(watched.store, watched.name, step) for step in running}
    progress = {step: record for step, record in records.items() if record}
    return step_rows(watched.steps, RunSnapshot(tasks, plan, progress, _skipped(watched, tasks, plan), failed))


def _check_startable(watched: WatchedRun, tasks: Iterable[Task]) -> None:
    """Check whether Airflow can start the tasks: it reschedules, for minutes, a task whose DAG it cannot import.

    Raises:
        BadInput: the import error. The run is stopped, because nothing else would end it.
    """
    from pipeline.submission.submit import check_import_errors

    if not any(task.state == RESCHEDULED for task in tasks):
        return
    try:
        check_import_errors(watched.run.dag, watched.airflow.import_errors())
    except BadInput:
        watched.airflow.fail(watched.run.dag, watched.run.id)
        raise


def _skipped(watched: WatchedRun, tasks: Mapping[str, Task], plan: Plan | None) -> frozenset[str]:
    """Steps whose task is skipped because an input does not exist, not because they are cached."""
    rows = [row for row in plan.steps if row.id in tasks and tasks[row.id].state == "skipped"] if plan else []
    skipped = {row.id for row in rows if row.status.value == "skipped"}
    # a pending step that became a hit has returned its artifact
    undecided = {row.id for row in rows if row.status.value not in {"skipped", "hit"}}
    return frozenset(skipped | {step for step in undecided if watched.airflow.return_value(watched.run.dag, watched.run.id, step) is None})


def _caption(watched: WatchedRun, state: str, rows: list[StepRow], seconds: float) -> str:
    if state == "queued":
        return f"{watched.name}: waiting for another run of {watched.run.dag} to end"
    return progress_line(watched.name, rows, seconds)


def returned_artifact(airflow: Airflow, run: DagRun, step: str, settings: Settings) -> Reference | None:
    """The artifact of a step of a run that has ended, from its plan or its task; None if it was skipped."""
    from pipeline.artifacts import open_store
    from pipeline.artifacts.manifest import Reference
    from pipeline.runs.names import run_name

    plan = _read_plan(open_store(settings), run_name(run.dag, run.id))
    planned = plan.step(step).reference if plan else None
    value = None if planned else airflow.return_value(run.dag, run.id, step)
    return Reference.model_validate(value) if value else planned


def _read_plan(store: Store, name: str) -> Plan | None:
    """The plan of a run; None before it is made."""
    from pipeline.artifacts.base import NotFound
    from pipeline.artifacts.sealed import read_record
    from pipeline.planning.plan import Plan
    from pipeline.runs.records import plan_key

    try:
        return read_record(store, plan_key(name), Plan.model_validate_json)
    except NotFound:
        return None


def failure_of(watched: WatchedRun) -> TrainshedError:
    """The error of the first failed step of a run that failed."""
    from pipeline.runs.records import read_failure

    tasks = watched.airflow.tasks(watched.run.dag, watched.run.id)
    failed = [step for step in (PLAN_TASK, *watched.steps) if step in tasks and tasks[step].state == "failed"]
    for step in failed:
        failure = read_failure(watched.store, watched.name, step)
        if failure:
            kinds = {BadInput.exit_code: BadInput, Unavailable.exit_code: Unavailable}
            message = failure.message if failure.message.startswith(step) else f"{step}: {failure.message}"
            return kinds.get(failure.exit_code, TrainshedError)(message)
    step = failed[0] if failed else ""
    return TrainshedError(
        f"{watched.name} failed at {step or 'an unknown step'}", "", f"read `trainshed logs {watched.name} {step}`".rstrip()
    )
