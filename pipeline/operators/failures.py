"""How errors of planning end a task: the reason is left in the store for whoever waits, and Airflow retries, or not."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import Damaged, TrainshedError
from pipeline.operators.exit_codes import TryAgain, verdict
from pipeline.operators.replan import plan_anew
from pipeline.runs.records import Failure, failure_key
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def airflow_errors(context: Any, run: str, step: str, settings: Settings | None = None) -> Iterator[None]:  # noqa: ANN401
    """Turn our typed errors into Airflow's.

    Args:
        context: of the task.
        run: name of the run.
        step: at work.
        settings: of the task; None while they are being read, when those of the environment have to do.

    Raises:
        AirflowFailException: bad input, or a bug: not to be retried.
        TryAgain: something is away, or the run is planned anew.
    """
    try:
        yield
    except TrainshedError as error:
        failure = Failure(exit_code=error.exit_code, message=f"{step}: {error}", damaged=isinstance(error, Damaged))
        known = settings or load_settings()
        leave(failure, run, step, known)
        end(failure, context, run, known)


def leave(failure: Failure, run: str, step: str, settings: Settings) -> None:
    """Put the reason beside the run; a store that is away is not waited for, since it may be the reason."""
    from pipeline.artifacts import open_store

    try:
        store = open_store(settings.model_copy(update={"s3_retry_s": 5.0}))
        store.put(failure_key(run, step), failure.model_dump_json().encode())
    except TrainshedError as second:
        log.warning("the reason could not be left in the store: %s", second)


def end(failure: Failure, context: Any, run: str, settings: Settings) -> NoReturn:  # noqa: ANN401 - Airflow's context
    """End the task at work as its failure asks for; damage plans the run anew first, once.

    Raises:
        AirflowFailException: not to be retried.
        TryAgain: to be retried.
    """
    from pipeline.artifacts import open_store

    log.error("%s", failure.message)
    if failure.damaged and plan_anew(context, run, open_store(settings)):
        raise TryAgain(f"{failure.message}; the run is planned anew")
    raise verdict(failure)
