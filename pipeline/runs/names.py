"""One name for a run in Airflow, in the store and in MLflow.

Airflow's run ids are unique only within one DAG (two recipes scheduled at the same minute get the same id) and contain ``:`` and
``+``. A run's name is the recipe's name and the run id, with characters replaced that are unsafe in an S3 key or a shell. An id
that begins with the recipe's name, as those of the command line do, is used as it is.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

PLAN_TASK = "plan"
"""Id of the first task of each of our DAGs."""

WATCH, WATCH_TASK = "watch", "look"
"""Last part of the id of the DAG that watches a recipe's source, and the id of its task."""

EXPERIMENT = "experiment"
"""Last part of the id of the DAG that tries other values of a recipe's fields."""

TRAINING_POOL = "trainshed-training"
"""Airflow pool of the steps that train, where the setting ``training_slots`` asks for one."""

FORCE = "force"
"""Field of the trigger form that is not part of the recipe: steps to run although their artifact exists."""

PARTITION = "partition"
"""Field of the trigger form of a recipe with partitions: which one the run reads."""


def dag_name(recipe: str, line: str) -> str:
    """Name of the DAG of one of a recipe's lines: ``pydocs`` for its line ``train``, ``pydocs.promote`` for another."""
    return recipe if line == "train" else f"{recipe}.{line}"


def line_of_dag(dag_id: str) -> str:
    """Name of the line, or of the side task, of a DAG."""
    return dag_id.partition(".")[2] or "train"


def recipe_of_dag(dag_id: str) -> str:
    """Name of the recipe of a DAG; a recipe's name has no dot."""
    return dag_id.partition(".")[0]


def run_name(dag_id: str, run_id: str) -> str:
    """Name of the Airflow run ``run_id`` of the DAG ``dag_id``, e.g. ``pydocs-manual__2026-01-02T03-04-05.678-00-00``."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", run_id)
    return plain if plain.startswith(f"{dag_id}-") else f"{dag_id}-{plain}"


def recipe_of_run(name: str) -> str:
    """Name of the recipe of a run; empty if the run's id was neither chosen by Airflow nor by `new_run_name`."""
    found = re.fullmatch(r"(.+?)(\.[a-z]+)?-(\d{8}-\d{6}-[0-9a-f]{4}(-t\d{3,})?|[a-z_]+__.+)", name)
    return found[1] if found else ""


def trial_name(study: str, trial: int) -> str:
    """Name of the run of one trial of a study, e.g. ``pydocs-20260102-030405-9f3a-t003``; so trials sort by number."""
    return f"{study}-t{trial:03d}"


def new_run_name(recipe: str) -> str:
    """A fresh name that sorts by time, e.g. ``pydocs-20260102-030405-9f3a``; the time is UTC."""
    return f"{recipe}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
