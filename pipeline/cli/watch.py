"""Following a run through Airflow until it ends, and saying how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from pipeline.cli.progress import Row, RunSnapshot, rows, span, table, time_left
from pipeline.errors import BadInput, Interrupted, TrainshedError, Unavailable
from pipeline.runs.names import PLAN_TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from pipeline.artifacts.base import Store
    from pipeline.planning.plan import Plan
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, DagRun, Task

LOOK_S = 1.0
PUT_OFF = "up_for_reschedule"


class Watched(NamedTuple):
    """What there is to watch."""

    airflow: Airflow
    run: DagRun
    name: str
    steps: tuple[str, ...]
    store: Store


def watch(airflow: Airflow, run: DagRun, steps: tuple[str, ...], settings: Settings, console: Console) -> None:
    """Show a run until it ends.

    Args:
        airflow: where it runs.
        run: which run.
        steps: ids of its steps in the order of the line.
        settings: where the store is.
        console: where to draw; a console that is no terminal gets a line for each change.

    Raises:
        Interrupted: Ctrl-C; the run goes on.
        BadInput: a step ended with 2.
        Unavailable: a step ended with 75 until its attempts were used up.
        TrainshedError: a step ended with 1.
    """
    from pipeline.artifacts import open_store
    from pipeline.runs.names import run_name

    name = run_name(run.dag, run.id)
    watched = Watched(airflow, run, name, steps, open_store(settings))
    try:
        state = _live(watched, console) if console.is_terminal else _lines(watched, console)
    except KeyboardInterrupt as error:
        raise Interrupted(f"detached; {name} goes on: `trainshed watch {name}` looks again, `trainshed stop {name}` stops it") from error
    if state != "success":
        raise _why(watched)


def _live(watched: Watched, console: Console) -> str:
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        return _follow(watched, lambda shown, caption: live.update(table(shown, caption), refresh=True))


def _lines(watched: Watched, console: Console) -> str:
    told: dict[str, str] = {}

    def show(shown: list[Row], _caption: str) -> None:
        for row in shown:
            if told.get(row.step, "waiting") != row.state:
                took = f" {span(row.seconds)}" if row.seconds is not None and row.state != "running" else ""
                console.print(f"{row.step} {row.state}{took} {row.detail}".rstrip(), highlight=False, soft_wrap=True)
            told[row.step] = row.state

    return _follow(watched, show)


def _follow(watched: Watched, show: Callable[[list[Row], str], None]) -> str:
    """Look again and again until the run has ended; the last look comes after the end."""
    began = time.monotonic()
    plan: Plan | None = None
    while True:
        state = watched.airflow.run(watched.run.dag, watched.run.id).state
        plan = _plan(watched) or plan
        shown = _look(watched, plan, failed=state == "failed")
        show(shown, _caption(watched, state, shown, time.monotonic() - began))
        if state in {"success", "failed"}:
            return state
        time.sleep(LOOK_S)


def _look(watched: Watched, plan: Plan | None, *, failed: bool) -> list[Row]:
    from pipeline.runs.records import read_progress

    tasks = watched.airflow.tasks(watched.run.dag, watched.run.id)
    _check_startable(watched, tasks.values())
    at_work = [step for step in watched.steps if step in tasks and tasks[step].state == "running"]
    told = {step: read_progress(watched.store, watched.name, step) for step in at_work}
    progress = {step: found for step, found in told.items() if found}
    return rows(watched.steps, RunSnapshot(tasks, plan, progress, _left_out(watched, tasks, plan), failed))


def _check_startable(watched: Watched, tasks: Iterable[Task]) -> None:
    """See whether Airflow can start the tasks: it puts off, for minutes, what it finds no DAG for when it comes to start it.

    Raises:
        BadInput: it cannot, and says why; the run is ended, since nothing else would end it.
    """
    from pipeline.submission.submit import check_import_errors

    if not any(task.state == PUT_OFF for task in tasks):
        return
    try:
        check_import_errors(watched.run.dag, watched.airflow.import_errors())
    except BadInput:
        watched.airflow.fail(watched.run.dag, watched.run.id)
        raise


def _left_out(watched: Watched, tasks: Mapping[str, Task], plan: Plan | None) -> frozenset[str]:
    """Steps that were skipped because they have nothing to work on, not because their artifact is there."""
    skipped = [row for row in plan.steps if row.id in tasks and tasks[row.id].state == "skipped"] if plan else []
    omitted = {row.id for row in skipped if row.status.value == "skipped"}
    # a step that had to wait when the run was planned has left its reference if it turned out to have one
    waited = {row.id for row in skipped if row.status.value not in {"skipped", "hit"}}
    return frozenset(omitted | {step for step in waited if not watched.airflow.returned(watched.run.dag, watched.run.id, step)})


def _caption(watched: Watched, state: str, shown: list[Row], seconds: float) -> str:
    if state == "queued":
        return f"{watched.name}: waits for another run of {watched.run.dag} to end"
    left = time_left(shown)
    rest = f", about {span(left)} left" if left and state == "running" else ""
    return f"{watched.name}: {state}, {span(seconds)}{rest}"


def _plan(watched: Watched) -> Plan | None:
    """The plan of the run; None before it is made."""
    from pipeline.artifacts.base import NotFound
    from pipeline.planning.plan import Plan
    from pipeline.runs.records import plan_key

    try:
        return Plan.model_validate_json(watched.store.get(plan_key(watched.name)).data)
    except NotFound:
        return None


def _why(watched: Watched) -> TrainshedError:
    """The error that the first failed step of the line stands for."""
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
