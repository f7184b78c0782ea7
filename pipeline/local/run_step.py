"""One attempt at a step, in a process of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.local.process import run_process
from pipeline.runs.records import read_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runs.request import Request
    from pipeline.settings import Settings


class DamageFound(Unavailable):
    """A step found an input damaged: the line has to be planned anew."""


def attempt(
    request: Request,
    request_uri: str,
    settings: Settings,
    on_line: Callable[[str], None],
    should_stop: Callable[[], bool],
    *,
    processes: int = 1,
) -> None:
    """Run the component that ``request`` asks for to its end.

    Args:
        request: what is asked for.
        request_uri: where it lies in the store.
        settings: where things are.
        on_line: called with each line the component prints.
        should_stop: asked five times a second; once it says True the component is told to checkpoint and end.
        processes: how many train together.

    Raises:
        BadInput: the request or an input is wrong.
        DamageFound: an input is damaged.
        Unavailable: preempted, something is away, or the process was killed.
        TrainshedError: a bug.
    """
    code = run_process(component_command(request.stage, request_uri, processes), ENVIRONMENT, on_line, should_stop)
    if code:
        raise _error(request, code, settings)


def _error(request: Request, code: int, settings: Settings) -> TrainshedError:
    """What an exit code, and the line left in the store, stand for."""
    failure = read_failure(open_store(settings), request.run, request.step)
    message = f"{request.step}: {failure.message}" if failure else f"{request.step} ended with {code}"
    if code < 0:
        return Unavailable(f"{request.step} was killed by signal {-code}", "a worker that lives", "it goes on from its last checkpoint")
    if failure and failure.damaged:
        return DamageFound(message)
    kinds = {BadInput.exit_code: BadInput, Unavailable.exit_code: Unavailable}
    return kinds.get(code, TrainshedError)(message)
