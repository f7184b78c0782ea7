"""The lines: what the product does, each as a function on one screen.

`trace` runs a line with a recorder and returns its steps in order. Planning, Airflow, Kubeflow Pipelines and the local interpreter all
read that list.

A new component needs a folder, its row in `components.COMPONENTS` and a call in a line. The call names the component, its params in
the order of the contract's `Params`, and its inputs by the contract's names. A new line needs a function and its row in `LINES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import unknown_name
from pipeline.lines.monitor import monitor
from pipeline.lines.promote import promote
from pipeline.lines.steps import (
    ChampionInput,
    Emit,
    LearnedCorpusInput,
    Origin,
    PreviousCorpusInput,
    ProposalInput,
    SourceInput,
    Step,
    Steps,
)
from pipeline.lines.train import learn, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.recipe import Recipe

__all__ = [
    "LINES",
    "ChampionInput",
    "Emit",
    "LearnedCorpusInput",
    "Origin",
    "PreviousCorpusInput",
    "ProposalInput",
    "SourceInput",
    "Step",
    "Steps",
    "trace",
]

LINES: Mapping[str, Callable[[Steps, Recipe], object]] = {"train": train, "promote": promote, "trial": learn, "monitor": monitor}
"""Line by name."""


def trace(recipe: Recipe, line: str = "train") -> tuple[Step, ...]:
    """The steps of one of the recipe's lines, each after the steps it reads from.

    Raises:
        BadInput: no such line.
    """
    if line not in LINES:
        raise unknown_name("line", line, LINES)
    steps = Steps()
    LINES[line](steps, recipe)
    return tuple(steps.recorded.values())
