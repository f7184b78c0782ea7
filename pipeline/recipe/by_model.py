"""Which recipes make a registered model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.recipe.files import read_recipe, recipe_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.recipe.recipe import Recipe


def recipes_by_model(folders: Iterable[Path]) -> dict[str, list[Recipe]]:
    """Registered model → the recipes that make it. An invalid recipe makes none; `trainshed recipes` says why it is invalid."""
    found: dict[str, list[Recipe]] = {}
    for path in recipe_files(folders).values():
        try:
            recipe = read_recipe(path)
        except BadInput:
            continue
        found.setdefault(recipe.registration.model, []).append(recipe)
    return found
