"""Whether a launcher can give the machines that a recipe's steps ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput, unknown_name
from pipeline.launchers import LAUNCHERS
from pipeline.launchers.base import launcher_record
from pipeline.lines import LINES, trace
from pipeline.machine_sizes import machine

if TYPE_CHECKING:
    from pipeline.machine_sizes import MachineSize
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def check_nodes(size: MachineSize, launcher: str) -> None:
    """Check that the launcher called ``launcher`` can give as many nodes as a machine size has.

    Raises:
        BadInput: the size has several nodes and the launcher starts one.
    """
    if size.nodes > 1 and not launcher_record(launcher).several_nodes:
        able = " or ".join(name for name in LAUNCHERS if launcher_record(name).several_nodes)
        raise BadInput(
            f"machine size {size.name!r} is {size.nodes} nodes",
            f"one node for the launcher {launcher}",
            f"use the launcher {able}, or name a size of one node under resources: in the recipe",
        )


def check_sizes(recipe: Recipe, settings: Settings) -> None:
    """Check that every step of the recipe's lines has a machine size that the chosen launcher can give.

    Raises:
        BadInput: a size is unknown, is named for a step that this recipe does not have, or has several nodes and the launcher or the
            step cannot use them.
    """
    steps = {step.id: step.component for line in LINES for step in trace(recipe, line)}
    for step in recipe.resources.root:
        if step not in steps:
            raise unknown_name("step in resources of this recipe:", step, steps)
    for step, component in steps.items():
        size = machine(recipe.resources.of(step, component.resources), settings)
        check_nodes(size, settings.launcher)
        if size.nodes > 1 and not component.trains:
            raise BadInput(
                f"machine size {size.name!r} of {step} is {size.nodes} nodes",
                "one node: only steps that train run on several",
                "name another size under resources: in the recipe",
            )
