"""From the exit code of a component to what Airflow does next.

=============  ==============================  =====================================
exit code      meaning                         Airflow
=============  ==============================  =====================================
2              bad input or configuration      failed, not retried
1, any other   a bug                           failed, not retried
75             preempted, something is away    retried
below 0        died of that signal: a lost     retried: training goes on from its
               worker                          newest checkpoint
=============  ==============================  =====================================

All retries of a task count against one bound: a step that is preempted, or killed for want of memory, again and again must end
some time. A component has already waited a minute and a half for a store that is away before it says 75, so the delay is short.
"""

from __future__ import annotations

import signal
from datetime import timedelta

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pipeline.errors import Unavailable
from pipeline.runs.records import Failure

RETRIES = 5
RETRY_DELAY = timedelta(seconds=5)


class TryAgain(AirflowException):  # type: ignore[misc]
    """The attempt ended, another may succeed."""


def failure_of(step: str, exit_code: int, told: Failure | None, heard: str = "") -> Failure:
    """Why an attempt ended: what the component told, or else logged, or what its exit code says.

    Args:
        step: id of the step.
        exit_code: of the component; not 0.
        told: what it left in the store, if it came to that.
        heard: the last error in its log.
    """
    if exit_code < 0:
        message = f"{step} was killed by {_signal(-exit_code)}; expected a worker that lives; fix: look for lack of memory"
        return Failure(exit_code=Unavailable.exit_code, message=message)
    if told and told.exit_code == exit_code:
        return told
    if heard:
        return Failure(exit_code=exit_code, message=heard)
    return Failure(exit_code=exit_code, message=f"{step} ended with exit code {exit_code}; fix: read the task's log")


def verdict(failure: Failure) -> AirflowException:
    """The exception that makes Airflow retry, or not."""
    kind = TryAgain if failure.exit_code == Unavailable.exit_code else AirflowFailException
    return kind(failure.message)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
