"""All recipes that Airflow knows: the valid ones, and one error for each invalid one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.launchers.check_sizes import check_sizes
from pipeline.recipe import read_recipe, recipe_files
from pipeline.recipe.asset_cycles import asset_cycles

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


class Recipes(NamedTuple):
    """The recipes of the settings' folders."""

    valid: tuple[Recipe, ...]
    """Recipes that can be read, sorted by name. A wrong machine size keeps a recipe here: without its DAG, Airflow could neither
    continue nor end a run that has begun, and the first task of a new run fails with the reason."""

    errors: tuple[str, ...]
    """One line for each recipe that cannot be read, has a wrong machine size, or is part of a cycle of Assets."""


def read_recipes(settings: Settings, only: str | None = None) -> Recipes:
    """Read every recipe of the settings' folders.

    Args:
        settings: names the folders and the machine sizes.
        only: name of the one recipe to read.
    """
    valid, errors = [], []
    for name, path in sorted(recipe_files(settings.recipe_folders).items()):
        if only and name != only:
            continue
        try:
            recipe = read_recipe(path)
            valid.append(recipe)
            check_sizes(recipe, settings)
        except BadInput as error:
            errors.append(f"recipe {name}: {error}")
    cycles = asset_cycles(valid)
    errors += [f"recipe {name}: {line}" for name, line in cycles.items()]
    return Recipes(tuple(recipe for recipe in valid if recipe.name not in cycles), tuple(errors))
