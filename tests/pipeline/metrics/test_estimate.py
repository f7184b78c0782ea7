"""Scores with their error, and differences of scores of different examples: against SciPy, and by simulated false alarms."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from fixtures.cases import few
from scipy import stats

from pipeline.metrics.base import means
from pipeline.metrics.estimate import difference, estimate
from pipeline.metrics.load_metric import load_metric

EXACT = load_metric("exact_match")
"""A plain mean, from 0 to 100."""


def rows(values: np.ndarray) -> np.ndarray:
    return means(values)


def test_the_error_of_a_mean_and_welchs_difference_are_those_of_scipy() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.normal(0.6, 0.2, 60), draw.normal(0.5, 0.4, 200)
    metric = EXACT
    mine, other = estimate(metric, rows(first), [""] * 60), estimate(metric, rows(second), [""] * 200)
    scale = float(metric.value(rows(np.ones(1)).sum(axis=0)))
    assert mine.error == pytest.approx(scale * stats.sem(first))
    assert mine.freedom == pytest.approx(59)
    found, wanted = difference(mine, other), stats.ttest_ind(first, second, equal_var=False)
    assert found.freedom == pytest.approx(wanted.df)
    low, high = wanted.confidence_interval(0.95)
    assert found.interval(0.025) == pytest.approx((scale * low, scale * high))
    assert difference(mine, other, sign=-1).value == -found.value


def test_groups_are_the_sample() -> None:
    """Fifty equal copies of each of ten values tell as much as the ten."""
    values = np.random.default_rng(1).uniform(0, 1, 10)
    alone = estimate(EXACT, rows(values), [""] * 10)
    copied = estimate(EXACT, rows(np.repeat(values, 50)), [f"g{place // 50}" for place in range(500)])
    assert copied == pytest.approx(alone)


def test_one_group_has_no_interval_and_equal_scores_have_no_width() -> None:
    assert estimate(EXACT, rows(np.ones(9)), ["a"] * 9).interval(0.025) is None
    assert estimate(EXACT, rows(np.zeros(1)), [""]).error == math.inf
    whole = estimate(EXACT, rows(np.ones(9)), [""] * 9)
    assert whole.interval(0.025) == (whole.value, whole.value)
    assert difference(whole, estimate(EXACT, rows(np.ones(1)), [""])).interval(0.025) is None


def test_a_few_exceptions_decide_the_error() -> None:
    few = estimate(EXACT, rows(np.array([1.0] * 3 + [0.0] * 97)), [""] * 100)
    assert few.freedom == 2
    assert estimate(EXACT, rows(np.array([1.0] * 50 + [0.0] * 50)), [""] * 100).freedom == 49


@pytest.mark.parametrize(("groups", "right"), few(product((0, 40), (0.8, 0.05)), [(0, 0.05), (40, 0.8)]))
def test_a_champion_that_is_just_good_enough_alarms_no_more_often_than_stated(groups: int, right: float) -> None:
    """The worst case: the true score equals the threshold, and the true drop equals the largest one that is allowed."""
    draw, tail, looks, size = np.random.default_rng(2), 0.025, 2000, 200
    names = [f"g{place % groups}" if groups else "" for place in range(size)]

    def answers() -> np.ndarray:
        """Right with this probability; examples of a group share half of what makes them easy or hard."""
        shared = draw.normal(size=groups)[np.arange(size) % groups] if groups else draw.normal(size=size)
        ease = (shared + draw.normal(size=size)) / math.sqrt(2)
        return rows((ease < stats.norm.ppf(right)).astype(float))

    found = [estimate(EXACT, answers(), names) for _ in range(looks)]
    scale = float(EXACT.value(rows(np.ones(1)).sum(axis=0)))
    found = [one for one in found if one.error]
    too_low = np.mean([one.interval(tail).high < right * scale for one in found])
    dropped = np.mean([difference(found[place - 1], found[place]).interval(tail).low > 0 for place in range(len(found))])
    # three standard errors of 2,000 draws
    most = tail + 3 * math.sqrt(tail * (1 - tail) / looks)
    assert too_low < most
    assert dropped < most


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_false_alarms_of_a_recipes_defaults() -> None:
    """The figures of `docs/measurements.md`: independent answers, right with the probability of the threshold, 10,000 scorings each."""
    draw, tail, looks = np.random.default_rng(4), 0.05 / 50 / 2, 10_000
    for size in (100, 500):
        line = []
        for right in (0.05, 0.5, 0.95):
            found = [estimate(EXACT, rows(100.0 * draw.binomial(1, right, size)), [""] * size) for _ in range(looks)]
            known = [one for one in found if one.error]
            too_low = sum(one.interval(tail).high < 100 * right for one in known)
            dropped = sum(difference(known[place - 1], known[place]).interval(tail).low > 0 for place in range(len(known)))
            line.append(f"{right:.0%}: {too_low}, {dropped}")
            assert max(too_low, dropped) / looks < 4 * tail
        print(f"{size} examples, stated {tail:.3%}, score and drop: {'; '.join(line)}")
