"""Run one attempt of a step in a child process on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Killed, Outdated, SourceChanged, TrainshedError, Unavailable
from pipeline.local.child_process import run_process
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.runs.records import read_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runs.request import Request
    from pipeline.settings import Settings


def run_step(
    request: Request,
    request_uri: str,
    settings: Settings,
    on_line: Callable[[str], None],
    should_stop: Callable[[], bool],
    *,
    processes: int = 1,
) -> None:
    """Run the component of ``request`` to its end.

    Args:
        request: the request of the step.
        request_uri: its URI in the store.
        settings: where things are.
        on_line: called with each line that the component prints.
        should_stop: called five times a second; after the first True the component checkpoints and exits.
        processes: world size: number of processes that train together.

    Raises:
        BadInput: the request or an input is wrong.
        Outdated: an input is damaged, or the champion or the source changed: the run needs a new plan.
        Unavailable: the step was preempted, a dependency is unavailable, or the process was killed (`Killed`).
        TrainshedError: a bug.
    """
    code = run_process(component_command(request.stage, request_uri, processes), ENVIRONMENT, on_line, should_stop)
    if code:
        raise _error(request, code, settings)


def _error(request: Request, code: int, settings: Settings) -> TrainshedError:
    """The error for an exit code and for the failure record in the store."""
    failure = read_failure(open_store(settings), request.run, request.step)
    message = f"{request.step}: {failure.message}" if failure else f"{request.step} ended with exit code {code}"
    if code < 0:
        return Killed(f"{request.step} was killed by signal {-code}", "", "start the run again; it resumes from the last checkpoint")
    if failure and failure.replan:
        return SourceChanged(message) if failure.exit_code == SourceChanged.exit_code else Outdated(message)
    kinds = {BadInput.exit_code: BadInput, Unavailable.exit_code: Unavailable}
    return kinds.get(code, TrainshedError)(message)
