"""The gate: which scores promote a challenger, and what it says when they do not."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from fixtures.scores import make_scores, write_scores

from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.errors import BadInput
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.gate import Gate, NoWorse, Slice
from pipeline.registry.gate import compared_scores, decide
from pipeline.registry.scores import Scores, read_scores

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 600
ROUGE = load_metric("rougeL")


def spread(mean: float, seed: int, noise: float = 10.0, count: int = COUNT) -> list[float]:
    """Values around ``mean``, the same for the same seed."""
    draw = random.Random(seed)
    return [mean + draw.uniform(-noise, noise) for _ in range(count)]


def scores(model: float, *, lead: float = 16.0, frequent: float = 5.0, count: int = COUNT, seed: int = 1, **more) -> Scores:
    levels = {"model": (model, seed), "lead": (lead, 2), "most_frequent": (frequent, 3)}
    return make_scores({system: spread(mean, draw, count=count) for system, (mean, draw) in levels.items()}, **more)


GATE = Gate(threshold=18.0)


def test_a_first_champion_has_to_meet_every_absolute_rule() -> None:
    decision = decide(GATE, scores(25.0), None)
    assert decision.promote
    assert decision.figures["lead.difference_low"] > 0
    assert decision.figures["examples"] == decision.figures["groups"] == COUNT
    assert any("baseline lead" in reason for reason in decision.reasons)
    assert any("from 600 examples, must be above zero" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("gate", "report", "said"),
    [
        (GATE, scores(17.0, lead=10.0), "(minimum 18.00)"),
        (Gate(threshold=18.0), scores(18.3, lead=17.9), "improves on baseline lead"),
        (GATE, scores(25.0, distinct=0.3), "30.0% of the outputs are distinct (minimum 80%)"),
        (GATE, scores(25.0, count=100), "100 test examples (minimum 500)"),
        (Gate(), scores(15.0), "improves on baseline lead by -0"),
        (GATE, scores(25.0, groups=("a", "b", "c", "d") * 150), "4 groups of test examples (minimum 10)"),
    ],
)
def test_each_rule_can_refuse_and_only_failed_rules_are_given_as_reasons(gate: Gate, report: Scores, said: str) -> None:
    decision = decide(gate, report, None)
    assert not decision.promote
    assert any(said in reason for reason in decision.reasons)
    assert not any("minimum 500" in reason for reason in decision.reasons) or len(report.ids) < 500


def test_without_a_threshold_the_baselines_of_the_task_decide() -> None:
    assert decide(Gate(), scores(25.0), None).promote
    assert decide(Gate(), scores(25.0, lead=30.0, beats=("most_frequent",)), None).promote
    assert not decide(Gate(), scores(25.0, lead=30.0), None).promote
    assert decide(Gate(beats=()), scores(1.0), None).promote


def test_with_a_champion_only_the_paired_difference_to_it_counts() -> None:
    champion = scores(30.0, seed=9)
    assert decide(Gate(threshold=99.0), scores(34.0), champion).promote
    refused = decide(Gate(threshold=0.0), scores(30.2), champion)
    assert not refused.promote
    assert refused.figures["champion.difference_low"] < 0
    assert "improves on the champion" in refused.reasons[0]


def test_pairing_sees_a_small_but_steady_difference() -> None:
    values = spread(30.0, 1)
    champion, better = make_scores({"model": values}), make_scores({"model": [value + 0.3 for value in values]})
    assert decide(GATE, better, champion).promote
    assert not decide(GATE, champion, champion).promote


def test_pairs_are_matched_by_id_not_by_position() -> None:
    values, order = spread(30.0, 1), list(range(COUNT))
    random.Random(4).shuffle(order)
    report = make_scores({"model": values})
    shuffled = make_scores({"model": [values[place] - 0.1 for place in order]}, ids=[report.ids[place] for place in order])
    assert decide(GATE, report, shuffled).figures["champion.difference_low"] == pytest.approx(0.1)


def test_examples_of_one_group_count_once() -> None:
    """Forty packages of fifteen functions: the model is better in packages by luck. Each example alone would promote it."""
    draw = np.random.default_rng(1)
    lucky = np.repeat(draw.normal(0.8, 4.0, 40), 15)
    values = {"model": (20 + lucky).tolist(), "lead": [20.0] * COUNT, "most_frequent": [5.0] * COUNT}
    groups = tuple(f"package-{place // 15}" for place in range(COUNT))
    assert decide(Gate(), make_scores(values), None).promote
    refused = decide(Gate(), make_scores(values, groups=groups), None)
    assert not refused.promote
    assert refused.figures["groups"] == 40
    assert "from 40 groups, must be above zero" in refused.reasons[0]


def bits(nats: float, seed: int) -> np.ndarray:
    draw = random.Random(seed)
    predictions = [Prediction(likelihood=Likelihood(nats + draw.uniform(-5, 5), 20, 80)) for _ in range(COUNT)]
    return load_metric("bits_per_byte").statistics([None] * COUNT, predictions)


def test_where_lower_is_better_ahead_means_lower_and_the_threshold_is_a_maximum() -> None:
    def report(nats: float, seed: int) -> Scores:
        fields = {"statistics": {"model": {"bits_per_byte": bits(nats, seed)}}, "primary": "bits_per_byte", "beats": (), "distinct": None}
        return make_scores({"model": [0.0] * COUNT}, **fields)

    low, high = report(60.0, 1), report(90.0, 2)
    assert decide(Gate(), low, high).promote
    assert decide(Gate(), low, high).figures["champion.difference"] == pytest.approx(30 / np.log(2) / 80, rel=0.05)
    assert not decide(Gate(), high, low).promote
    assert decide(Gate(threshold=1.2), low, None).promote
    refused = decide(Gate(threshold=1.2), high, None)
    assert refused.reasons == ("bits_per_byte is 1.6236 (maximum 1.2000)",)


def test_a_task_that_writes_no_text_has_no_rule_about_distinct_answers() -> None:
    assert decide(Gate(), scores(25.0, distinct=None), None).promote
    with pytest.raises(BadInput, match="min_distinct in the gate of a task that writes no text"):
        decide(Gate(min_distinct=0.5), scores(25.0, distinct=None), None)


def test_few_examples_and_repeated_outputs_refuse_also_with_a_champion() -> None:
    decision = decide(GATE, scores(40.0, count=10, distinct=0.1), scores(20.0, count=10))
    assert not decision.promote
    assert len(decision.reasons) == 2


def test_reports_on_different_examples_cannot_be_paired() -> None:
    with pytest.raises(BadInput, match="other examples"):
        decide(GATE, scores(30.0), scores(20.0, examples="others"))


def test_wrong_names_are_answered_with_the_near_one() -> None:
    with pytest.raises(BadInput, match="did you mean 'rougeL'"):
        decide(Gate(metric="rougel"), scores(30.0), None)
    with pytest.raises(BadInput, match="did you mean 'lead'"):
        decide(Gate(beats=("leads",)), scores(30.0), None)


def test_a_baseline_without_the_metric_is_one_line() -> None:
    statistics = {"model": {"calibration_error": np.ones((COUNT, 45))}, "lead": {}}
    with pytest.raises(BadInput, match="the report has no calibration_error of lead"):
        decide(Gate(metric="calibration_error", beats=("lead",)), scores(1.0, statistics=statistics), None)


def test_scores_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_scores(tmp_path, {"model": [1.0, 3.0], "lead": [0.0, 2.0]}, distinct=0.5)
    found = read_scores(tmp_path)
    assert (found.ids, found.groups, found.primary, found.distinct) == (("e0", "e1"), ("", ""), "rougeL", 0.5)
    assert found.statistics["lead"]["rougeL"].tolist() == [[0.0, 1.0], [2.0, 1.0]]


@pytest.mark.parametrize(
    "rows",
    [[[1.0, 1.0], None], [[1.0, 1.0], [2.0]], [[1.0, float("nan")], [2.0, 1.0]], [[1.0, None], [2.0, 1.0]]],
)
def test_statistics_that_are_not_whole_are_refused(tmp_path: Path, rows) -> None:
    write_scores(tmp_path, {"model": [1.0, 3.0]})
    table = pd.read_parquet(tmp_path / "examples.parquet")
    table["model.rougeL"] = rows
    table.to_parquet(tmp_path / "examples.parquet")
    with pytest.raises(BadInput, match="the report has a rougeL of model that is missing, NaN or infinite"):
        read_scores(tmp_path)


def test_a_metric_that_applies_in_another_split_only_is_no_score(tmp_path: Path) -> None:
    write_scores(tmp_path, {"model": [1.0, 3.0], "lead": [0.0, 2.0]})
    table = pd.read_parquet(tmp_path / "examples.parquet")
    table["lead.rougeL"] = [None, None]
    table.to_parquet(tmp_path / "examples.parquet")
    assert set(read_scores(tmp_path).statistics) == {"model"}


def test_a_registration_counts_the_code_of_its_gate_and_of_its_metrics(tmp_path: Path) -> None:
    for package in ("pipeline", "components"):
        shutil.copytree(SOURCES / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    asked = {"registration": {"gate": {"metric": "rougeL", "no_worse": [{"metric": "exact_match", "margin": 1}, {"margin": 1}]}}}
    before = {stage: reached_modules(stage, asked, tmp_path) for stage in ("registration", "tokenization")}
    edits = {
        "registry/gate.py": ("low > 0,", "low > 1,"),
        "registry/comparison.py": ("DECAY = 2.5", "DECAY = 2.4"),
        "metrics/paired_difference.py": ("(count - 1) / count", "(count - 2) / count"),
        "metrics/base.py": ("totals[..., 0], totals[..., 1]", "totals[..., 1], totals[..., 0]"),
        "metrics/exact_match.py": ("100", "10"),
        "metrics/labels.py": ("100 * ratio", "1 * ratio"),
    }
    for name, (old, new) in edits.items():
        path = tmp_path / "pipeline" / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    after = {stage: reached_modules(stage, asked, tmp_path) for stage in before}
    changed = {name for name, digest in after["registration"].items() if before["registration"][name] != digest}
    assert changed == {
        "pipeline.registry.gate",
        "pipeline.registry.comparison",
        "pipeline.metrics.paired_difference",
        "pipeline.metrics.base",
        "pipeline.metrics.exact_match",
    }
    assert "pipeline.metrics.rouge" in after["registration"]
    assert after["tokenization"] == before["tokenization"]


def test_a_gain_that_is_sure_but_small_is_refused() -> None:
    values = spread(30.0, 1)
    champion, better = make_scores({"model": values}), make_scores({"model": [value + 0.3 for value in values]})
    refused = decide(Gate(min_gain=0.5), better, champion)
    assert refused.reasons == ("rougeL gains +0.30 on the champion (minimum 0.50)",)
    assert decide(Gate(min_gain=0.29), better, champion).promote
    assert decide(Gate(min_gain=5.0, beats=()), better, None).promote  # there is no champion to gain on


def classes(right: dict[str, float], seed: int, **more: Any) -> Scores:
    """A model that is right in a share of the examples of each class; every class is also a group."""
    draw = np.random.default_rng(seed)
    references = [name for name in right for _ in range(300)]
    said = [name if draw.random() < right[name] else "other" for name in references]
    predictions = [Prediction(answer) for answer in said]
    statistics = {name: load_metric(name).statistics(references, predictions) for name in ("accuracy", "f1_macro")}
    fields = {
        "statistics": {"model": statistics},
        "primary": "accuracy",
        "beats": (),
        "distinct": None,
        "references": tuple(references),
        "groups": tuple(f"of {name}" for name in references),
    }
    return make_scores({"model": [0.0] * len(references)}, **(fields | more))


SHARES = {"a": 0.6, "b": 0.6, "c": 0.7}
EACH_ALONE = {"groups": ("",) * 900}


def test_a_slice_that_loses_blocks_although_the_mean_improves() -> None:
    champion, challenger = classes(SHARES, 1, **EACH_ALONE), classes({"a": 0.9, "b": 0.9, "c": 0.6}, 2, **EACH_ALONE)
    assert decide(Gate(), challenger, champion).promote
    for part in (Slice(reference=("c",)), Slice(reference=("c", "b"), group=("of c",))):
        rules = (NoWorse(margin=4.0, slice=part),)
        fields = {"groups": tuple(f"of {name}" for name in challenger.references)}
        pair = [replace(each, **fields) if part.group else each for each in (challenger, champion)]
        refused = decide(Gate(no_worse=rules, min_groups=1), *pair)
        assert not refused.promote
        (row,) = [rule for rule in refused.rules if rule.where]
        assert (row.metric, row.other, row.rule, row.met) == ("accuracy", "champion", "not worse than champion by 4.00", False)
        assert row.difference == pytest.approx(row.challenger - row.other_value)
        assert row.low < row.difference < row.high
        assert any(" on " in reason and "must be above -4.00" in reason for reason in refused.reasons)
    assert decide(Gate(no_worse=(NoWorse(margin=25.0, slice=Slice(reference=("c",))),)), challenger, champion).promote


def test_a_slice_of_groups_asks_about_these_groups_so_its_examples_are_the_sample() -> None:
    champion, challenger = classes(SHARES, 1), classes({"a": 0.9, "b": 0.9, "c": 0.9}, 2)
    decision = decide(Gate(min_groups=1, no_worse=(NoWorse(margin=4.0, slice=Slice(group=("of c",))),)), challenger, champion)
    (row,) = [rule for rule in decision.rules if rule.where]
    assert (row.where, row.met) == ("group of c", True)


def test_a_further_metric_that_loses_blocks_and_equal_scores_do_not_lose() -> None:
    champion = classes(SHARES, 1, **EACH_ALONE)
    better = classes({"a": 0.99, "b": 0.99, "c": 0.2}, 2, **EACH_ALONE)
    gate = Gate(no_worse=(NoWorse(metric="f1_macro", margin=1.0), NoWorse(metric="accuracy", margin=0.0)))
    decision = decide(gate, better, champion)
    assert {rule.metric: rule.met for rule in decision.rules if "not worse" in rule.rule} == {"accuracy": True, "f1_macro": False}
    assert not decision.promote
    same = decide(gate, champion, champion)
    assert [rule.met for rule in same.rules if "not worse" in rule.rule] == [True, True]
    assert not same.promote  # not better either


def test_a_slice_without_examples_refuses_and_says_so() -> None:
    refused = decide(Gate(no_worse=(NoWorse(margin=1.0, slice=Slice(reference=("d",))),)), classes(SHARES, 1), classes(SHARES, 2))
    assert "no test example is in the slice reference d" in refused.reasons


def test_a_smaller_error_probability_asks_for_more() -> None:
    champion, challenger = scores(30.0, seed=9), scores(31.0)
    gate = Gate()
    assert decide(gate, challenger, champion, alpha=0.03).promote
    refused = decide(gate, challenger, champion, alpha=1e-6)
    assert not refused.promote
    assert "99.9998% interval" in refused.reasons[0]


def test_every_rule_is_a_row_in_the_order_in_which_it_was_asked() -> None:
    decision = decide(GATE, scores(25.0), None)
    assert [rule.rule for rule in decision.rules] == [
        "at least 500 test examples",
        "at most 1.0% in training",
        "at least 80% distinct",
        "at least 18.00",
        "better than lead",
        "better than most frequent",
    ]
    assert all(rule.met for rule in decision.rules)


def test_the_compared_scores_are_the_same_in_another_order_of_the_champion_and_differ_with_any_score() -> None:
    values = spread(30.0, 1)
    report, champion = make_scores({"model": values}), make_scores({"model": [value - 1 for value in values]})
    first = compared_scores(Gate(), report, champion)
    backwards = {"ids": report.ids[::-1], "statistics": {"model": {"rougeL": champion.statistics["model"]["rougeL"][::-1]}}}
    assert compared_scores(Gate(), report, replace(champion, **backwards)) == first
    assert compared_scores(Gate(min_gain=1.0), report, champion) == first
    assert compared_scores(Gate(), champion, report) != first
    assert compared_scores(Gate(), make_scores({"model": [*values[:-1], 1.0]}), champion) != first
    assert compared_scores(Gate(beats=()), report, None) is None
