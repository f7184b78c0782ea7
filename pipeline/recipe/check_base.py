"""Whether given weights fit the recipe, as far as their configuration says it: kind, positions. Training finds the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.recipe.checks import OBJECTIVES

if TYPE_CHECKING:
    from pipeline.families.base_facts import BaseFacts
    from pipeline.recipe.recipe import Recipe

NOT_CERTAIN = 3
"""Tokens of a task's longest sequence that the tokenizer of a base may not need: two around a text, and a separator."""


def check_base(recipe: Recipe, facts: BaseFacts) -> None:
    """Refuse a base that cannot do what the recipe asks for; what is not certain is left to training.

    Args:
        recipe: names the base in ``model.start``.
        facts: what is known of the base.

    Raises:
        BadInput: it is of the wrong kind for the task or the objective, or has too few positions.
    """
    recipe.task.check_kind(facts.kind)
    objective = recipe.pretraining.objective if recipe.pretraining else ""
    trained = OBJECTIVES.get(objective)
    if trained not in {None, facts.kind}:
        raise BadInput(
            f"pretraining.objective {objective!r} with model.start, {facts.kind.phrase} ({facts.family})",
            trained.phrase if trained else "",
            "change one of them",
        )
    context, positions = recipe.model.context, facts.positions
    if context and positions and context > positions:
        raise BadInput(f"model.context {context}", f"at most {positions}, the positions of the base model", "lower model.context")
    room, needed = context or positions, recipe.task.longest(facts.kind) - NOT_CERTAIN
    if room is None or needed <= room:
        return
    what, fix = f"the {positions} positions of the base model are", "lower the limits in task, or choose another base"
    if context:
        what, fix = f"model.context {context} is", "raise model.context, or lower the limits in task"
    raise BadInput(f"{what} too few for the task's longest sequence", f"at least {needed} tokens", fix)
