"""The DAGs beside a recipe's lines: a single task at times of its own, such as the watch of a source or the look at a champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import DAG

from pipeline.operators.exit_codes import AIRFLOW_RETRIES, RETRY_DELAY
from pipeline.orchestration.dag import START_DATE
from pipeline.runs.names import dag_name

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable

    from pipeline.recipe import Recipe


def side_dag(recipe: Recipe, name: str, description: str, schedule: BaseTimetable | str | None, manual: str) -> DAG:
    """An empty DAG for one task.

    Args:
        recipe: the recipe that it belongs to.
        name: last part of its id.
        description: one line for Airflow's list.
        schedule: when it runs.
        manual: documentation for Airflow's pages, in Markdown.
    """
    return DAG(
        dag_name(recipe.name, name),
        description=description,
        schedule=schedule,
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        tags={"trainshed", name},
        doc_md=manual,
        # like the DAG that it may start: a person switches on what runs by itself
        is_paused_upon_creation=None,
        auto_register=False,
        default_args={"owner": "trainshed", "retries": AIRFLOW_RETRIES, "retry_delay": RETRY_DELAY},
    )
