"""What a model costs: hours of its steps times the price of their machine sizes, as they are priced now.

Sizes are those of the recipe now: a run that was started with others in the form counts as if it had these. A step whose size has no price costs
nothing here, and the page names the size.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.lines import LINES, trace
from pipeline.machine_sizes import machines
from pipeline.tracking.step_times import step_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings
    from pipeline.tracking.recent_runs import RecentRun
    from pipeline.tracking.server import MlflowServer

DAYS = 30
"""Steps that started in the last so many days count together."""


class Costs(NamedTuple):
    """What a model cost, in the currency of the prices."""

    last: float | None
    """Its newest run; None without one."""

    recent: float
    """All steps of the last `DAYS` days."""

    unpriced: tuple[str, ...]
    """Machine sizes of steps among them that have no price."""


def prices(settings: Settings) -> Mapping[str, float]:
    """Price of an hour by machine size, of the sizes that have one.

    Raises:
        BadInput: the file of machine sizes is missing or invalid.
    """
    return {name: size.price_h for name, size in machines(settings).items() if size.price_h is not None}


def read_costs(
    server: MlflowServer, recipes: Sequence[Recipe], runs: Sequence[RecentRun], price: Mapping[str, float], now: datetime | None = None
) -> Costs | None:
    """What a model cost; None if no step has a price.

    Args:
        server: the MLflow server.
        recipes: those that make the model.
        runs: its newest runs, newest first.
        price: of an hour by machine size.
        now: the time; by default that of this machine.

    Raises:
        Unavailable: MLflow is unreachable.
    """
    now = now or datetime.now(UTC)
    recent = now - timedelta(days=DAYS)
    newest = runs[0] if runs else None
    # a little earlier: a step may not start before its run, but clocks differ
    since = min(recent, newest.started - timedelta(hours=1)) if newest else recent
    last, together, known, unpriced = 0.0, 0.0, False, set()
    for recipe in recipes if price else ():
        sizes = {step.id: recipe.resources.of(step.id, step.component.resources) for line in LINES for step in trace(recipe, line)}
        for found in step_times(server, recipe.name, since):
            size = sizes.get(found.step)
            if size is None:  # the recipe has no such step any more
                continue
            if size not in price:
                unpriced.add(size)
                continue
            known = True
            seconds = (now - found.started).total_seconds() if found.seconds is None else found.seconds
            cost = price[size] * seconds / 3600
            last += cost if newest and found.run == newest.name else 0.0
            together += cost if found.started >= recent else 0.0
    return Costs(last if newest else None, together, tuple(sorted(unpriced))) if known else None
