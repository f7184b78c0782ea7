"""From the exit code of a component to what Airflow does next.

=============  ==============================  =====================================
exit code      meaning                         Airflow
=============  ==============================  =====================================
2              bad input or configuration      failed, not retried
1, any other   a bug                           failed, not retried
75             preempted, or a server is       retried
               unreachable
below 0        died of that signal: a lost     retried: training resumes from its
               worker                          newest checkpoint
=============  ==============================  =====================================

Failed attempts of a task count against one bound: a step that is OOMKilled or preempted again and again must end some time. Attempts
that Airflow ended do not count (`pipeline.operators.failed_attempts`). A component has already waited a minute and a half for an
unreachable store before it exits with 75, so the delay between retries is short.
"""

from __future__ import annotations

import signal
from datetime import timedelta

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pipeline.errors import Unavailable
from pipeline.runs.records import Failure

RETRIES = 5
"""How often a failed attempt is retried."""

AIRFLOW_RETRIES = 100
"""Airflow's bound, which also counts attempts that were detached, lost their heartbeats or were reset by a restarted scheduler."""

RETRY_DELAY = timedelta(seconds=5)


class TryAgain(AirflowException):  # type: ignore[misc]
    """The attempt failed and another may succeed: Airflow retries."""


def explain_exit(step: str, exit_code: int, recorded: Failure | None, logged: str = "") -> Failure:
    """Why an attempt failed: what the component recorded, or else logged, or else what its exit code means.

    Args:
        step: id of the step.
        exit_code: of the component; not 0.
        recorded: the failure in the store, if there is one; it may be of an earlier attempt.
        logged: the last error in the component's log.
    """
    if exit_code < 0:
        message = f"{step} was killed by {_signal_name(-exit_code)}; fix: check the memory and the health of its machine"
        return Failure(exit_code=Unavailable.exit_code, message=message, killed=True)
    if recorded and recorded.exit_code == exit_code:
        return recorded
    if logged:
        return Failure(exit_code=exit_code, message=logged)
    return Failure(exit_code=exit_code, message=f"{step} ended with exit code {exit_code}; fix: read the task's log")


def exception_for(failure: Failure) -> AirflowException:
    """The exception that makes Airflow retry the task, or fail it."""
    kind = TryAgain if failure.exit_code == Unavailable.exit_code else AirflowFailException
    return kind(failure.message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
