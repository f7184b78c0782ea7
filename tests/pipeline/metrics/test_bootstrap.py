"""The bootstrap: intervals that agree with scipy's, grow where examples are not independent, and are the same every time."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from pipeline.metrics.base import mean, means, ratio
from pipeline.metrics.bootstrap import Bootstrap, interval

ALONE = [""] * 400


def test_intervals_agree_with_scipys() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    ours = interval(mean(Bootstrap(ALONE, 4000, seed=0).totals(means(values))))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_the_same_seed_gives_the_same_resamples_and_every_system_gets_them() -> None:
    values = means(np.random.default_rng(1).normal(size=400))
    once, again = (Bootstrap(ALONE, 300, seed=7).totals(values) for _ in range(2))
    assert (once == again).all()
    both = Bootstrap(ALONE, 300, seed=7).totals(np.concatenate([values, values + 1], axis=1))
    assert both[:, 0] == pytest.approx(once[:, 0])
    assert (both[:, 2] - both[:, 0]) == pytest.approx(np.full(300, 400.0))
    assert not (Bootstrap(ALONE, 300, seed=8).totals(values) == once).all()


def test_an_interval_of_equal_examples_in_a_group_is_that_of_the_groups() -> None:
    """Ten copies of each of 40 values say no more than the 40 values."""
    draw = np.random.default_rng(3).normal(size=40)
    groups = [f"g{place}" for place in range(40) for _ in range(10)]
    copied = Bootstrap(groups, 2000, seed=0)
    assert copied.groups == 40
    found = interval(mean(copied.totals(means(np.repeat(draw, 10)))))
    assert found == pytest.approx(interval(mean(Bootstrap([""] * 40, 2000, seed=0).totals(means(draw)))))
    blind = interval(mean(Bootstrap(ALONE, 2000, seed=0).totals(means(np.repeat(draw, 10)))))
    assert found.high - found.low > 2.5 * (blind.high - blind.low)


def test_an_empty_group_is_a_group_of_its_own_also_beside_a_group_with_a_number_for_a_name() -> None:
    assert Bootstrap(["", "", "x", "x", "0", "1"], 10, seed=0).groups == 5


def test_intervals_by_group_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    groups = [f"g{place // 8}" for place in range(480)]
    for trial in range(120):
        draw = np.random.default_rng(trial)
        values = 1 + np.repeat(draw.normal(size=60), 8) + draw.normal(size=480)
        low, high = interval(mean(Bootstrap(groups, 400, seed=0).totals(means(values))), 0.9)
        covered += low <= 1 <= high
    assert 0.82 <= covered / 120 <= 0.97


def test_the_interval_of_a_ratio_is_that_of_sums_not_of_means() -> None:
    below = np.array([1.0, 100.0] * 50)
    totals = Bootstrap([""] * 100, 500, seed=0).totals(np.column_stack([2 * below, below]))
    assert interval(ratio(totals[:, 0], totals[:, 1])) == (pytest.approx(2), pytest.approx(2))


def test_memory_is_bounded_by_a_block_of_draws() -> None:
    """2,000 resamples of 50,000 groups would be 800 MB of weights at once."""
    rows = means(np.ones(50_000))
    tracemalloc.start()
    totals = Bootstrap([""] * 50_000, 2000, seed=0).totals(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (totals == 50_000).all()
    assert peak < 60e6
