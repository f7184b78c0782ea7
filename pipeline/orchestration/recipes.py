"""All recipes a running Airflow knows: those that can be read, and what is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.launchers.check_sizes import check_sizes
from pipeline.recipe import read_recipe, recipe_files

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


class Recipes(NamedTuple):
    """What was found in the recipe folders."""

    recipes: tuple[Recipe, ...]
    """Those that can be read, by name. A machine size that is wrong takes no DAG away: what runs of it meanwhile would hang, and its
    first task ends with the reason."""

    wrong: tuple[str, ...]
    """One line for each that is wrong."""


def read_all(settings: Settings, only: str | None = None) -> Recipes:
    """Read every recipe of the settings' folders, or the one that is called ``only``."""
    recipes, wrong = [], []
    for name, path in sorted(recipe_files(settings.recipe_folders).items()):
        if only and name != only:
            continue
        try:
            recipe = read_recipe(path)
            recipes.append(recipe)
            check_sizes(recipe, settings)
        except BadInput as error:
            wrong.append(f"recipe {name}: {error}")
    return Recipes(tuple(recipes), tuple(wrong))
