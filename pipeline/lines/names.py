"""The model that finds names of people (``data.cleaning``, ``kind: names``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.lines.steps import Origin, Steps
    from pipeline.recipe import Recipe

FIELD = "data.cleaning.model"


def names_model(step: Steps, recipe: Recipe) -> Origin | None:
    """The step that imports it, or a champion; None for a recipe that looks for none."""
    block = recipe.data.model_block
    return step.start(block.given_model, step_id="names_model", field=FIELD) if block else None
