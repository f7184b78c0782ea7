"""What a study has used, and whether its budget is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BadInput
from pipeline.experiments.space import experiment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.experiments.records import Tell
    from pipeline.experiments.trial import PriceOf
    from pipeline.lines import Step
    from pipeline.recipe import Recipe


class Spent(NamedTuple):
    """What some trials used."""

    tokens: float
    hours: float
    cost: float
    """Of the machine sizes that have a price."""


def spent(tells: Iterable[Tell]) -> Spent:
    """What came together so far; steps that were found in the store cost nothing."""
    tokens = seconds = cost = 0.0
    for tell in tells:
        for item in (*tell.ran, *((tell.lost,) if tell.lost else ())):
            seconds += item.seconds
            cost += item.cost or 0.0
        tokens += sum(ran.tokens for ran in tell.ran)
    return Spent(tokens, seconds / 3600, cost)


def used_up(recipe: Recipe, tells: Iterable[Tell]) -> str:
    """Which budget is used up, as a sentence; empty if none is."""
    budget, used = experiment_of(recipe).budget, spent(tells)
    for name, shown in (("tokens", ",.0f"), ("hours", ".3g"), ("cost", ".3g")):
        limit, value = getattr(budget, name), getattr(used, name)
        if limit is not None and value >= limit:
            return f"The budget is used up: {name} {value:{shown}} of {limit:{shown}}."
    return ""


def check_prices(recipe: Recipe, steps: Sequence[Step], price_of: PriceOf) -> None:
    """Check that each machine size of a trial has a price, if the cost is limited.

    Raises:
        BadInput: one has none.
    """
    for step in steps:
        size = recipe.resources.of(step.id, step.component.resources)
        if experiment_of(recipe).budget.cost is not None and price_of(size) is None:
            raise BadInput(
                f"experiment.budget.cost, but machine size {size!r} has no price", "price_h for each size", "add it to infra/machines.yaml"
            )
