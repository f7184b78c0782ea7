"""One name for a run in Airflow, in the store and in MLflow.

Airflow's run ids are unique within one DAG only (two recipes scheduled at the same minute get the same id) and hold ``:`` and
``+``. A run's name is the recipe's name and the run id, with what an S3 key or a shell would trip over replaced; an id that
begins with the recipe's name, as those the command line makes do, is its own name.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

PLAN_TASK = "plan"
"""The first task of every DAG of ours."""

FORCE = "force"
"""The one field of the trigger form that is not the recipe's: steps to run although their artifact exists."""


def run_name(dag_id: str, run_id: str) -> str:
    """Name of the Airflow run ``run_id`` of the DAG ``dag_id``, e.g. ``pydocs-manual__2026-01-02T03-04-05.678-00-00``."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", run_id)
    return plain if plain.startswith(f"{dag_id}-") else f"{dag_id}-{plain}"


def new_run_name(recipe: str) -> str:
    """A fresh name that sorts by time, e.g. ``pydocs-20260102-030405-9f3a``; the time is UTC."""
    return f"{recipe}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
