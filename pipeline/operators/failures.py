"""How an error ends a task: the reason is recorded in the store, and Airflow retries the task or fails it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from pipeline.errors import Killed, Outdated, TrainshedError
from pipeline.operators.exit_codes import RETRIES, TryAgain, exception_for
from pipeline.operators.failed_attempts import count_failed_attempt
from pipeline.operators.replan import ends_proposals, replan
from pipeline.runs.records import Failure, failure_key
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

log = logging.getLogger(__name__)

RECORD_RETRY_S = 5.0
"""How long an unreachable store is retried to record a failure, in seconds: the store may be the reason."""


@contextmanager
def translated_errors(context: Any, run: str, step: str, settings: Settings | None = None) -> Iterator[None]:  # noqa: ANN401
    """Translate our typed errors into Airflow's, and record them.

    Args:
        context: of the task.
        run: name of the run.
        step: id of the running step.
        settings: of the task; None while they are being read: then those of the environment are used.

    Raises:
        AirflowFailException: bad input or a bug: not retried.
        TryAgain: a server is unreachable, or the run is replanned.
    """
    try:
        yield
    except TrainshedError as error:
        failure = Failure(
            exit_code=error.exit_code, message=f"{step}: {error}", replan=isinstance(error, Outdated), killed=isinstance(error, Killed)
        )
        known = settings or load_settings()
        record_failure(failure, run, step, known)
        end_task(failure, context, run, known)


def record_failure(failure: Failure, run: str, step: str, settings: Settings) -> None:
    """Write the reason to the run's folder in the store; an unreachable store is not waited for."""
    from pipeline.artifacts import open_store

    try:
        store = open_store(settings.model_copy(update={"s3_retry_s": RECORD_RETRY_S}))
        store.put(failure_key(run, step), failure.model_dump_json().encode())
    except TrainshedError as second:
        log.warning("cannot record the failure in the store: %s", second)


def end_task(failure: Failure, context: Any, run: str, settings: Settings) -> NoReturn:  # noqa: ANN401 - Airflow's context
    """End the running task as its failure requires; what the run was planned with may have changed: then Airflow plans it again.

    Raises:
        AirflowFailException: not retried, or `RETRIES` retries have failed.
        TryAgain: retried, or the run is planned again.
        AirflowSkipException: the recipe runs again, and this run has nothing more to do.
    """
    from pipeline.artifacts import open_store

    log.error("%s", failure.message)
    if not failure.replan:
        raise _retry_or_fail(failure, context)
    if replan(context, run, open_store(settings), failure.replans):
        if ends_proposals(context["ti"].dag_id):
            raise AirflowSkipException(f"{failure.message}; the recipe runs again")
        raise TryAgain(f"{failure.message}; the run is planned again")
    raise AirflowFailException(f"{failure.message}; the run was planned again {failure.replans} times already")


def _retry_or_fail(failure: Failure, context: Any) -> AirflowException:  # noqa: ANN401 - Airflow's context
    """The exception for a failure; it fails the task if the retries are used up."""
    error = exception_for(failure)
    if not isinstance(error, TryAgain):
        return error
    count = count_failed_attempt(context)
    return AirflowFailException(f"{failure.message}; not retried: {count} attempts have failed") if count > RETRIES else error
