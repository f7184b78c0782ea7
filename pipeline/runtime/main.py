"""The command line of every component: ``python -m components.<stage> --request <file.json | store URL>``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.artifacts import open_store
from pipeline.artifacts.base import NotFound
from pipeline.artifacts.sealed import read_record
from pipeline.errors import BadInput, Interrupted, Outdated, Preempted, TrainshedError, disk_error
from pipeline.runs.records import Failure, failure_key
from pipeline.runs.request import Request
from pipeline.runtime.execute import execute
from pipeline.runtime.logs import mark_logs, set_up_logs
from pipeline.runtime.stop import Stop
from pipeline.runtime.worker_rank import run_worker_rank
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.component import Component
    from pipeline.runtime.work import Work
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


def main(component: Component, body: Callable[[Work[Any]], None]) -> None:
    """Parse the command line, run one attempt, end the process with its exit code."""
    arguments = _parser(component).parse_args()
    set_up_logs()
    stop = Stop()
    stop.listen(tethered=arguments.tethered)
    code = _run(component, body, arguments.request, stop)
    sys.stdout.flush()
    logging.shutdown()
    # daemon threads of libraries may block a normal exit; everything is committed by now
    os._exit(code)


def _run(component: Component, body: Callable[[Work[Any]], None], place: str, stop: Stop) -> int:
    """Run one attempt; every outcome becomes an exit code and one line."""
    settings = request = None
    try:
        settings = load_settings()
        _check_processes(component, settings)
        request = _read_request(place, settings)
        report = partial(_report_failure, settings=settings, request=request)
        if settings.rank:
            run_worker_rank(component, body, request, settings, stop, report)
            return 0
        manifest = execute(component, body, request, settings, stop, report)
    except TrainshedError as error:
        outcome: TrainshedError = (
            Interrupted("interrupted; the step has checkpointed", "", "run it again to resume") if stop.interrupted else error
        )
        return _report_failure(outcome, settings, request)
    except KeyboardInterrupt:
        return _report_failure(Interrupted("interrupted"), settings, request)
    except Exception as error:
        refused = disk_error(error) if isinstance(error, OSError) else None
        if refused:
            return _report_failure(refused, settings, request)
        # the last resort: the traceback is for developers, the line is for the user
        log.exception("unexpected error")
        return _report_failure(
            TrainshedError(f"bug: {type(error).__name__}: {error}", "", "report it with the traceback above"), settings, request
        )
    print(manifest.reference.model_dump_json())
    return 0


def _check_processes(component: Component, settings: Settings) -> None:
    """Refuse several processes for a component that does not train; mark the logs of ranks above 0.

    Raises:
        BadInput: this component does not train.
    """
    if settings.world_size > 1 and not component.trains:
        raise BadInput(
            f"{component.name} was started as {settings.world_size} processes",
            "one process; only steps that train run as several",
            "start it without torchrun, or unset WORLD_SIZE",
        )
    if settings.rank:
        mark_logs(settings.rank)


def _read_request(place: str, settings: Settings) -> Request:
    """Read the request from a local file or from the store.

    Raises:
        BadInput: not found, or not a request.
    """
    path = Path(place)
    root = settings.store.rstrip("/") + "/"
    try:
        if path.is_file():
            return Request.model_validate_json(path.read_bytes())
        if place.startswith(root):
            return read_record(open_store(settings), place.removeprefix(root), Request.model_validate_json)
    except NotFound as error:
        raise BadInput(f"no request at {place}", "", "run the recipe again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise BadInput(f"request {place}: {where}: {first['msg'].lower()}", "", "run the recipe again") from error
    raise BadInput(f"no request at {place}", f"a file, or an address that starts with {root}", "check --request and TRAINSHED_STORE")


def _report_failure(error: TrainshedError, settings: Settings | None, request: Request | None) -> int:
    """Log the error in one line, write it to the store (rank 0 only), and return the exit code."""
    level = logging.WARNING if isinstance(error, Preempted | Interrupted) else logging.ERROR
    log.log(level, "%s", error)
    if settings and request and settings.rank == 0:
        failure = Failure(exit_code=error.exit_code, message=str(error), replan=isinstance(error, Outdated))
        try:
            open_store(settings.model_copy(update={"s3_retry_s": 5.0})).put(
                failure_key(request.run, request.step), failure.model_dump_json().encode()
            )
        except TrainshedError as second:
            log.warning("the failure could not be written to the store: %s", second)
    return error.exit_code


def _parser(component: Component) -> argparse.ArgumentParser:
    inputs = ", ".join(f"{name} ({', '.join(filter(None, (wanted.type, wanted.note)))})" for name, wanted in component.inputs.items())
    params = "\n".join(f"  {name}: {field.description or ''}" for name, field in component.params.model_fields.items())
    parser = argparse.ArgumentParser(
        prog=f"python -m components.{component.name}",
        description=component.summary,
        epilog=f"inputs: {inputs}\noutput: {component.output}\nparams:\n{params}\n\n"
        "exit codes: 0 done; 1 a bug; 2 bad input, not retried; 75 preempted, or a server is unavailable, retried",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--request", required=True, metavar="PLACE", help="the request: a JSON file, or its address in the store")
    parser.add_argument(
        "--tethered", action="store_true", help="checkpoint and exit when standard input closes (the launcher holds its other end)"
    )
    return parser
