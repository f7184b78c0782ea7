"""The DAG that looks at one recipe's champion: a single task, as often as ``monitor.every`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.orchestration.dag import RecipeDags, build
from pipeline.orchestration.monitor_operator import MonitorOperator
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.side_dag import side_dag
from pipeline.runs.names import recipe_of_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

MONITOR = "monitor"
"""Last part of the DAG's id."""


def monitor_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.monitor`` of every valid recipe with a monitor.

    Args:
        settings: names the recipe folders.
        manual: documentation for Airflow's pages, in Markdown.
        only: id of the one DAG to build.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    return build([recipe for recipe in found.valid if recipe.monitor], lambda recipe: monitor_dag(recipe, manual), found.errors)


def monitor_dag(recipe: Recipe, manual: str = "") -> DAG:
    """The DAG that looks at one recipe's champion.

    Args:
        recipe: has a section ``monitor``.
        manual: documentation for Airflow's pages, in Markdown.
    """
    assert recipe.monitor is not None  # noqa: S101 - the caller looked
    with side_dag(
        recipe, MONITOR, f"Looks whether {recipe.registration.model} still fits what it is asked", f"@{recipe.monitor.every}", manual
    ) as dag:
        MonitorOperator(recipe=recipe)
    return dag
