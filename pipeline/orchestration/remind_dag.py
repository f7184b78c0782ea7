"""The DAG that reminds people of a proposal that waits for them: a single task, once a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.orchestration.dag import RecipeDags, build
from pipeline.orchestration.recipes import read_recipes
from pipeline.orchestration.remind_operator import RemindOperator
from pipeline.orchestration.side_dag import side_dag
from pipeline.runs.names import recipe_of_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

REMIND = "remind"
"""Last part of the DAG's id."""


def remind_dags(settings: Settings, manual: str = "", only: str | None = None) -> RecipeDags:
    """Build the DAG ``<recipe>.remind`` of every valid recipe that asks people and wants reminders.

    Args:
        settings: names the recipe folders.
        manual: documentation for Airflow's pages, in Markdown.
        only: id of the one DAG to build.
    """
    found = read_recipes(settings, recipe_of_dag(only) if only else None)
    asked = [recipe for recipe in found.valid if recipe.registration.approval and recipe.notify and recipe.notify.remind_days]
    return build(asked, lambda recipe: remind_dag(recipe, manual), found.errors)


def remind_dag(recipe: Recipe, manual: str = "") -> DAG:
    """The DAG that reminds people of one recipe's proposals."""
    with side_dag(recipe, REMIND, f"Reminds people who are asked about {recipe.registration.model}", "@daily", manual) as dag:
        RemindOperator(recipe=recipe)
    return dag
