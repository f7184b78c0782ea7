"""The bootstrap: intervals that agree with scipy's, grow where examples are not independent, and are the same every time."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from pipeline.metrics.base import mean, means
from pipeline.metrics.bootstrap import Bootstrap, interval

ALONE = [""] * 400


def resampled(bootstrap: Bootstrap, *rows) -> list:
    """Means of each resample."""
    return bootstrap.values([(each, mean) for each in rows])


def test_intervals_agree_with_scipys() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    ours = interval(*resampled(Bootstrap(ALONE, 4000, seed=0), means(values)))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_the_same_seed_gives_the_same_resamples_and_every_system_gets_them() -> None:
    values = means(np.random.default_rng(1).normal(size=400))
    (once,), (again, more) = (resampled(Bootstrap(ALONE, 300, seed=7), *rows) for rows in ([values], [values, values + np.array([1, 0])]))
    assert (once == again).all()
    assert more - again == pytest.approx(np.ones(300))
    assert not (resampled(Bootstrap(ALONE, 300, seed=8), values)[0] == once).all()


def test_an_interval_of_equal_examples_in_a_group_is_that_of_the_groups() -> None:
    """Ten copies of each of 40 values say no more than the 40 values."""
    draw = np.random.default_rng(3).normal(size=40)
    groups = [f"g{place}" for place in range(40) for _ in range(10)]
    copied = Bootstrap(groups, 2000, seed=0)
    assert copied.groups == 40
    found = interval(*resampled(copied, means(np.repeat(draw, 10))))
    assert found == pytest.approx(interval(*resampled(Bootstrap([""] * 40, 2000, seed=0), means(draw))))
    blind = interval(*resampled(Bootstrap(ALONE, 2000, seed=0), means(np.repeat(draw, 10))))
    assert found.high - found.low > 2.5 * (blind.high - blind.low)


def test_an_empty_group_is_a_group_of_its_own_also_beside_a_group_with_a_number_for_a_name() -> None:
    assert Bootstrap(["", "", "x", "x", "0", "1"], 10, seed=0).groups == 5


def test_intervals_by_group_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    groups = [f"g{place // 8}" for place in range(480)]
    for trial in range(120):
        draw = np.random.default_rng(trial)
        values = 1 + np.repeat(draw.normal(size=60), 8) + draw.normal(size=480)
        low, high = interval(*resampled(Bootstrap(groups, 400, seed=0), means(values)), 0.9)
        covered += low <= 1 <= high
    assert 0.82 <= covered / 120 <= 0.97


def test_the_interval_of_a_ratio_is_that_of_sums_not_of_means() -> None:
    below = np.array([1.0, 100.0] * 50)
    assert interval(*resampled(Bootstrap([""] * 100, 500, seed=0), np.column_stack([2 * below, below]))) == pytest.approx((2, 2))


@pytest.mark.parametrize(("groups", "width"), [(50_000, 2), (50, 20_000)])
def test_memory_is_bounded_by_a_block(groups: int, width: int) -> None:
    """2,000 resamples of 50,000 groups, or of 20,000 sums, would be 800 MB or 320 MB at once."""
    rows = np.ones((groups, width))
    tracemalloc.start()
    (found,) = resampled(Bootstrap([""] * groups, 2000, seed=0), rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found == 1).all()
    assert peak < 60e6
