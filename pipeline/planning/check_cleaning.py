"""Check the files that the cleaning of a recipe names, before its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def check_cleaning_files(recipe: Recipe, settings: Settings) -> None:
    """Check the files of all blocks, e.g. lists of words.

    Raises:
        BadInput: one is missing, or is not the one that the recipe pins.
    """
    for block in recipe.data.cleaning or ():
        block.check_files(settings.home)
