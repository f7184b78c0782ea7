"""Whether a test set is large enough to find the gain that the gate asks for, said before anything is trained.

A gain g is found with a probability of 90 % if g >= (z_alpha + z_0.9) * spread / sqrt(examples) (Cohen 1988, "Statistical power analysis for
the behavioral sciences", ch. 2). The spread, the standard deviation of one example's difference between two models, is that of the newest
comparison with a champion in the ledger. It includes what examples of one group have in common. Before there is one, metrics from 0 to
100 count as if a quarter of the examples changed from right to wrong or back: 50 points. For other metrics nothing is said then.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from pipeline.registry.comparison import share_of, whole_error
from pipeline.registry.gate import CHAMPION

if TYPE_CHECKING:
    from pipeline.metrics.base import Metric
    from pipeline.recipe.gate import Gate
    from pipeline.registry.ledger import Ledger

POWER = 0.9
ASSUMED_SPREAD = 50.0
LOOK_BACK = 20
"""Newest entries among which a comparison with a champion is looked for."""


class Spread(NamedTuple):
    """The standard deviation of one example's difference, and where it is known from."""

    value: float
    source: str


def examples_needed(gain: float, alpha: float, spread: float) -> int:
    """Test examples that find a true gain with a probability of `POWER`.

    Args:
        gain: the gain, in the unit of the metric.
        alpha: the error probability of the comparison.
        spread: the standard deviation of one example's difference, in the unit of the metric.
    """
    distance = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(POWER)
    return math.ceil((distance * spread / gain) ** 2)


def small_test_set(gate: Gate, metric: Metric, examples: int, ledger: Ledger) -> str | None:
    """One sentence if the test set is too small for the gain that the gate asks for, else None.

    Args:
        gate: the recipe's rules.
        metric: the metric that decides.
        examples: test examples that will be scored.
        ledger: the ledger of the registered model.
    """
    if gate.min_gain is None:
        return None
    spread, tried = _known(metric, ledger)
    if spread is None:
        return None
    needed = examples_needed(gate.min_gain, whole_error(gate.confidence) * share_of(tried + 1), spread.value)
    if needed <= examples:
        return None
    gain = metric.show(gate.min_gain, more=1)
    return (
        f"{examples:,} test examples are too few to find a gain of {gain} in {metric.name} in 9 of 10 cases: about {needed:,} are needed "
        f"at comparison {tried + 1} ({spread.source}); bring more data, raise evaluation.examples, or raise registration.gate.min_gain"
    )


def _known(metric: Metric, ledger: Ledger) -> tuple[Spread | None, int]:
    """The spread of the newest comparison with a champion in this metric, and how many comparisons were made on the test set."""
    assumed = Spread(ASSUMED_SPREAD, "as if a quarter of the answers change") if metric.percent else None
    tried = 0
    head = ledger.head()
    for entry in ledger.newest_first(head, max(0, head.number - LOOK_BACK) if head else 0):
        tried = tried or (entry.comparison.tried if entry.comparison else 0)
        found = entry.figures.get(f"{CHAMPION}.spread")
        if found is not None and f"{CHAMPION}.{metric.name}" in entry.figures:
            return Spread(found, f"from ledger entry {entry.number}"), tried
    return assumed, tried
