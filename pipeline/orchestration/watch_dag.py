"""The DAG that watches the source of one recipe: a single task, on the cron expression of ``schedule.new_data``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.orchestration.dag import RecipeDags, build
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.schedules import watch_schedule
from pipeline.orchestration.side_dag import side_dag
from pipeline.orchestration.watch_operator import WatchOperator
from pipeline.runs.names import WATCH, recipe_of_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def watch_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.watch`` of every valid recipe with ``schedule.new_data``.

    Args:
        settings: names the recipe folders.
        manual: documentation for Airflow's pages, in Markdown.
        only: id of the one DAG to build.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    watched = [recipe for recipe in found.valid if watch_schedule(recipe)]
    return build(watched, lambda recipe: watch_dag(recipe, manual), found.errors)


def watch_dag(recipe: Recipe, manual: str = "") -> DAG:
    """The DAG that watches one recipe's source."""
    with side_dag(recipe, WATCH, f"Looks whether the source of {recipe.name} has changed", watch_schedule(recipe), manual) as dag:
        WatchOperator(recipe=recipe)
    return dag
