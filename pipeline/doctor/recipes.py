"""The recipes: each can be read, names only machine sizes that exist, and none start each other for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding
from pipeline.errors import BadInput
from pipeline.launchers.check_sizes import check_sizes
from pipeline.recipe import read_recipe, recipe_files
from pipeline.recipe.asset_cycles import asset_cycles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings


def check_recipes(settings: Settings) -> Iterator[Finding]:
    """Read each recipe of the settings' folders."""
    files, well, recipes = sorted(recipe_files(settings.recipe_folders).items()), [], []
    for name, path in files:
        try:
            recipe = read_recipe(path)
            recipes.append(recipe)
            check_sizes(recipe, settings)
        except BadInput as error:
            yield Finding("error", f"recipe {name}: {error.got}", error.expected, error.fix)
        else:
            well.append(name)
    cycles = asset_cycles(recipes)
    for name, line in cycles.items():
        yield Finding("error", f"recipe {name}: {line}")
    if not files:
        folders = " or ".join(map(str, settings.recipe_folders))
        raise BadInput(f"no recipe in {folders}", "one .yaml file for each model", "set TRAINSHED_HOME to the checkout")
    if len(well) == len(files) and not cycles:
        yield Finding("ok", f"{', '.join(well)}; machine sizes from {settings.machines}")
