"""The interval of a paired difference, against scipy where scipy has the same, and where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.metrics.base import Prediction, means
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.paired_difference import paired_difference
from pipeline.metrics.student import upper_quantile, upper_tail

ACCURACY = load_metric("accuracy")


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 5, 9.7, 30, 999, 1e5])
@pytest.mark.parametrize("tail", [0.4, 0.05, 1e-3, 1e-5, 1e-9])
def test_students_t_equals_scipys(freedom: float, tail: float) -> None:
    assert upper_quantile(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-5)
    assert upper_tail(upper_quantile(tail, freedom), freedom) == pytest.approx(tail, rel=1e-6)


def test_of_independent_examples_it_is_the_paired_t_test() -> None:
    draw = np.random.default_rng(1)
    own, other = draw.normal(1, 1, 80), draw.normal(0, 1, 80)
    found = paired_difference(ACCURACY, means(own), means(other), [""] * 80)
    theirs = stats.ttest_rel(own, other)
    assert found.value / found.error == pytest.approx(theirs.statistic)
    assert found.freedom == pytest.approx(79)
    interval = theirs.confidence_interval(0.9)
    assert found.interval(0.05) == pytest.approx((interval.low, interval.high))


def test_groups_of_equal_size_are_the_sample() -> None:
    draw = np.random.default_rng(2)
    own, other = np.repeat(draw.normal(1, 1, 12), 5), np.repeat(draw.normal(0, 1, 12), 5)
    found = paired_difference(ACCURACY, means(own), means(other), [f"g{place // 5}" for place in range(60)])
    theirs = stats.ttest_rel(own[::5], other[::5])
    assert (found.value / found.error, found.freedom, found.groups) == (pytest.approx(theirs.statistic), pytest.approx(11), 12)


def test_a_large_group_and_few_groups_that_differ_lower_the_degrees_of_freedom() -> None:
    own, other = means(np.arange(30.0)), means(np.zeros(30))
    large = ["a"] * 20 + [f"g{place}" for place in range(10)]
    assert paired_difference(ACCURACY, own, other, large).freedom == pytest.approx(30**2 / (20**2 + 10) - 1)
    few = means(np.r_[np.zeros(26), 1, 2, 3, 4])
    assert paired_difference(ACCURACY, few, other, [""] * 30).freedom == 3


def test_one_group_or_one_difference_gives_no_interval_and_equal_differences_a_point() -> None:
    own, other = means([3.0, 1.0, 2.0]), means([1.0, 1.0, 2.0])
    assert paired_difference(ACCURACY, own, other, ["a"] * 3).interval(0.05) is None
    assert paired_difference(ACCURACY, own, other, [""] * 3).interval(0.05) is None
    assert paired_difference(ACCURACY, own + np.array([0.3, 0]), own, [""] * 3).interval(1e-9) == pytest.approx((0.3, 0.3))
    assert paired_difference(ACCURACY, own, own, [""] * 3).interval(0.05) == (0, 0)


def test_the_error_of_a_metric_that_is_no_mean_is_that_of_its_values_on_other_samples() -> None:
    metric, draw = load_metric("f1_macro"), np.random.default_rng(3)
    values, errors = [], []
    for _ in range(300):
        wanted = draw.integers(0, 4, 400).astype(str)
        said = [
            [Prediction(name if hit else "0") for name, hit in zip(wanted, draw.random(400) < rate, strict=True)] for rate in (0.8, 0.7)
        ]
        found = paired_difference(metric, *(metric.statistics(list(wanted), each) for each in said), [""] * 400)
        values.append(found.value)
        errors.append(found.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_where_lower_is_better_ahead_means_lower() -> None:
    metric = load_metric("mae")
    assert paired_difference(metric, means([1.0, 2.0]), means([2.0, 4.0]), ["", ""]).value == 1.5
