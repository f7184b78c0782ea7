"""Counts a task's failed attempts, apart from the attempts that Airflow ended.

Airflow counts every attempt against ``retries``: also one that was detached because the worker shut down, one that lost its heartbeats,
and one that a restarted scheduler reset. None of them says anything about the step. So Airflow's own bound is wide
(`pipeline.operators.exit_codes.AIRFLOW_RETRIES`), and `RETRIES` bounds the attempts that failed. The count is in Airflow's task state
store, which survives retries and restarts.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

log = logging.getLogger(__name__)

KEY = "failed_attempts"


def count_failed_attempt(context: Any) -> int:  # noqa: ANN401 - Airflow's context
    """Count the running attempt as failed.

    A person who clears the task gets as many attempts as at first: Airflow then sets another ``max_tries``, with which the count starts
    again.

    Returns:
        How many attempts have failed, this one included; 0 if Airflow does not answer.
    """
    store, max_tries = context["task_state_store"], context["ti"].max_tries
    try:
        known = store.get(KEY) or {}
        count = known.get("count", 0) + 1 if known.get("max_tries") == max_tries else 1
        store.set(KEY, {"max_tries": max_tries, "count": count})
    except (AirflowRuntimeError, OSError, EOFError) as error:
        log.warning("cannot count this failed attempt in Airflow's task state store (%s)", type(error).__name__)
        return 0
    return int(count)
