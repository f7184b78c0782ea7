"""How often the gate errs, by simulation through the ledger: models that are no better, better, or worse somewhere.

The small versions run in seconds. Their limits leave room for chance: they fail if an error is about twice what it should be. The full
ones, marked `prove`, print the figures of `docs/measurements.md`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.scores import CLEAN
from fixtures.simulated_models import SimulatedTestSet, alone, long_tailed
from scipy import stats

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.metrics.base import means
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.paired_difference import paired_difference
from pipeline.recipe.gate import Gate, NoWorse, Slice
from pipeline.registry.comparison import share_of, whole_error
from pipeline.registry.gate import decide
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion
from pipeline.registry.scores import Scores
from pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.registry.ledger_entry import LedgerEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate(min_groups=5)
LEVEL, BETTER = 1.9, 2.392
"""Logits; `test_the_better_model_is_five_points_better` computes the difference."""

WEEKS = 52


class Registry:
    """The ledger of one model, to which challengers are proposed one after another."""

    def __init__(self, folder: Path, gate: Gate = GATE) -> None:
        self.ledger = Ledger(open_store(Settings(store=f"file://{folder}")), "m")
        self.gate = gate
        self.count = 0
        self.champion: ScoredChampion | None = None

    def propose(self, scores: Scores) -> LedgerEntry:
        self.count += 1
        model, report = (
            Reference(type=kind, stage=kind, fingerprint=f"{self.count}", digest=f"{self.count}") for kind in ("model", "report")
        )
        candidate = Candidate(version=self.count, model=model, report=report)
        entry = decide_promotion(self.ledger, Proposal(self.gate, candidate, scores, self.champion, f"{self.count}", "run"))
        if entry.promoted:
            self.champion = ScoredChampion(model, (report,), scores)
        return entry


def ever_promotes(folder: Path, examples: SimulatedTestSet, level: float = LEVEL) -> bool:
    """Whether one of 52 weekly challengers is promoted that are no better than the champion."""
    registry = Registry(folder)
    assert registry.propose(examples.model(level)).promoted
    return any(registry.propose(examples.model(level)).promoted for _ in range(WEEKS))


def promoted(sizes: Sequence[int], trials: int, level: float, luck: float = 0.0, gate: Gate = GATE) -> int:
    """Of ``trials`` comparisons on a fresh test set each, how many promote."""
    sets = (SimulatedTestSet(sizes, seed, luck) for seed in range(trials))
    return sum(decide(gate, each.model(level), each.model(LEVEL)).promote for each in sets)


def show(what: str, hits: int, trials: int) -> None:
    low, high = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    print(f"{what}: {hits} of {trials} = {hits / trials:.1%} (95 % interval {low:.1%} to {high:.1%})")


def test_the_better_model_is_five_points_better() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    right = [float(weights @ (1 / (1 + np.exp(2.5 * nodes - level))) / weights.sum()) for level in (LEVEL, BETTER)]
    assert right[1] - right[0] == pytest.approx(0.05, abs=1e-4)


def test_of_models_that_are_no_better_few_are_promoted() -> None:
    assert promoted(alone(1000), 200, LEVEL) <= 9


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_500_comparisons_of_equal_models() -> None:
    hits = promoted(alone(1000), 500, LEVEL)
    show("A/A, 1,000 examples", hits, 500)
    assert hits <= 15


def test_a_year_of_equal_challengers_seldom_has_a_false_promotion(tmp_path: Path) -> None:
    years = 8
    assert sum(ever_promotes(tmp_path / f"{year}", SimulatedTestSet(alone(600), year)) for year in range(years)) <= 1


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("name", "sizes", "luck", "years"),
    [("1,000 examples", alone(1000), 0.0, 1000), ("1,000 in 50 groups", long_tailed(50, 1000), 0.5, 200)],
)
def test_years_of_equal_challengers(name: str, sizes: Sequence[int], luck: float, years: int, tmp_path: Path) -> None:
    hits = sum(ever_promotes(tmp_path / f"{year}", SimulatedTestSet(sizes, 1000 + year, luck)) for year in range(years))
    show(f"years of 52 A/A challengers with a false promotion, {name}", hits, years)
    assert hits <= 0.035 * years


def test_a_gain_of_five_points_is_found_at_the_first_try() -> None:
    assert promoted(alone(1000), 100, BETTER) >= 85


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_500_first_tries_of_a_model_that_is_five_points_better() -> None:
    hits = promoted(alone(1000), 500, BETTER)
    show("a gain of 5 points, 1,000 examples", hits, 500)
    assert hits >= 450


def share_above_zero(sizes: Sequence[int], trials: int, tails: Sequence[float], luck: float = 0.5) -> list[float]:
    """Of comparisons of equal models on groups of these sizes, the share whose interval is above zero, in units of the stated error."""
    accuracy, hits = load_metric("accuracy"), np.zeros(len(tails))
    for seed in range(trials):
        examples = SimulatedTestSet(sizes, seed, luck)
        own, other = (examples.model().statistics["model"]["accuracy"] for _ in range(2))
        found = paired_difference(accuracy, own, other, examples.groups)
        intervals = [found.interval(tail) for tail in tails]
        hits += [interval is not None and interval.low > 0 for interval in intervals]
    return list(hits / trials / np.array(tails))


FEW_AND_MANY = {"10 equal": [60] * 10, "20, long tail": long_tailed(20, 600), "100, long tail": long_tailed(100, 600)}


@pytest.mark.parametrize("sizes", FEW_AND_MANY.values(), ids=FEW_AND_MANY.keys())
def test_groups_keep_the_stated_error(sizes: Sequence[int]) -> None:
    assert share_above_zero(sizes, 400, [0.05])[0] <= 1.6


TAILS = (0.05, 0.0186, 0.0033, 0.001)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("600 alone", alone(600)),
        ("5 equal", [120] * 5),
        ("10 equal", [60] * 10),
        ("20 equal", [30] * 20),
        ("100 equal", [6] * 100),
        ("10, long tail", long_tailed(10, 600)),
        ("20, long tail", long_tailed(20, 600)),
        ("100, long tail", long_tailed(100, 600)),
    ],
)
def test_4000_comparisons_keep_the_stated_error(name: str, sizes: Sequence[int]) -> None:
    trials = 4000
    ratios = share_above_zero(sizes, trials, TAILS, luck=0.0 if max(sizes) == 1 else 0.5)
    print(f"{name}: " + ", ".join(f"{tail:.2%} stated, {tail * ratio:.2%} found" for tail, ratio in zip(TAILS, ratios, strict=True)))
    assert ratios[1] <= 1.25


def with_slice(level: float, slice_level: float, seed: int, share: float = 0.2) -> tuple[Scores, Scores]:
    """A challenger and a champion; on one class, a ``share`` of the examples, the challenger has another level."""
    draw = np.random.default_rng(seed)
    count = 2000
    inside = draw.random(count) < share
    difficulty = draw.normal(0, 2.5, count)
    ids, references = tuple(f"{seed}-{place}" for place in range(count)), tuple("rare" if each else "common" for each in inside)

    def scores(levels: np.ndarray) -> Scores:
        right = draw.random(count) < 1 / (1 + np.exp(difficulty - levels))
        return Scores("s", ids, ("",) * count, {"model": {"accuracy": means(100.0 * right)}}, "accuracy", (), None, references, CLEAN)

    return scores(np.where(inside, slice_level, level)), scores(np.full(count, LEVEL))


STATED = whole_error(0.95) * share_of(1)
SLICED = Gate(no_worse=(NoWorse(margin=5.0, slice=Slice(reference=("rare",))),))


def sliced(trials: int, slice_level: float, gate: Gate) -> int:
    """How many of ``trials`` challengers are promoted that are better elsewhere, and have another level on the slice."""
    return sum(decide(gate, *with_slice(BETTER + 0.3, slice_level, seed)).promote for seed in range(trials))


def test_a_slice_that_regresses_blocks_although_the_mean_improves() -> None:
    worse = LEVEL - 1.0
    assert sliced(40, worse, Gate()) >= 36
    assert sliced(40, worse, SLICED) == 0
    assert sliced(40, BETTER + 0.3, SLICED) >= 36


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_a_slice_at_its_margin_is_let_through_with_the_stated_error() -> None:
    """The challenger is better elsewhere and worse on the slice by just the margin."""
    at_margin = 1.4542
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    right = [float(weights @ (1 / (1 + np.exp(2.5 * nodes - level))) / weights.sum()) for level in (LEVEL, at_margin)]
    assert right[0] - right[1] == pytest.approx(0.05, abs=5e-4)
    trials = 1000
    hits = sliced(trials, at_margin, SLICED)
    show(f"slice worse by its margin is promoted, {STATED:.2%} stated", hits, trials)
    show("without the rule", sliced(trials, at_margin, Gate()), trials)
    assert stats.binomtest(hits, trials, STATED, "greater").pvalue > 0.01


def promoted_with_seeds(seeds: tuple[int, int], trials: int, level: float) -> int:
    """Of comparisons of two recipes on a fresh test set each, how many promote.

    Args:
        seeds: how many the challenger and the champion were trained with.
        trials: how many comparisons.
        level: how good the challenger is.
    """
    sets = (SimulatedTestSet(alone(1000), 5000 + trial) for trial in range(trials))
    return sum(decide(GATE, each.trained(seeds[0], level), each.trained(seeds[1])).promote for each in sets)


def test_of_retrainings_that_differ_in_their_seeds_few_are_promoted() -> None:
    assert promoted_with_seeds((3, 3), 150, LEVEL) <= 6
    assert promoted_with_seeds((3, 1), 150, LEVEL) <= 6


def test_a_gain_of_five_points_is_found_with_five_seeds() -> None:
    assert promoted_with_seeds((5, 5), 40, BETTER) >= 32


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", [(1, 1), (2, 2), (3, 3), (5, 5), (3, 1)])
def test_500_comparisons_of_recipes_with_several_seeds(seeds: tuple[int, int]) -> None:
    hits, found = (promoted_with_seeds(seeds, 500, level) for level in (LEVEL, BETTER))
    show(f"retrainings that are no better, {seeds[0]} seeds against {seeds[1]}", hits, 500)
    show(f"a gain of 5 points, {seeds[0]} seeds against {seeds[1]}", found, 500)
    if min(seeds) > 1 or seeds[0] > 1:
        assert hits <= 25
