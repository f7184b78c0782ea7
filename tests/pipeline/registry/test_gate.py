"""The gate: which scores promote a challenger, and what it says when they do not."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.artifacts.code import SOURCES, reached_modules
from pipeline.errors import BadInput
from pipeline.recipe.gate import Gate
from pipeline.registry.gate import decide, paired_interval
from pipeline.registry.scores import Scores

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 600


def spread(mean: float, seed: int, noise: float = 10.0, count: int = COUNT) -> tuple[float, ...]:
    """Values around ``mean``, the same for the same seed."""
    draw = random.Random(seed)
    return tuple(mean + draw.uniform(-noise, noise) for _ in range(count))


def scores(
    model: float,
    *,
    lead: float = 16.0,
    frequent: float = 5.0,
    distinct: float = 0.95,
    count: int = COUNT,
    seed: int = 1,
    examples: str = "same",
):
    values = {
        "model": {"rougeL": spread(model, seed, count=count)},
        "lead": {"rougeL": spread(lead, 2, count=count)},
        "most_frequent": {"rougeL": spread(frequent, 3, count=count)},
    }
    return Scores(examples, tuple(f"e{index:04d}" for index in range(count)), values, distinct)


GATE = Gate(minimum=18.0)


def test_a_first_champion_has_to_meet_every_absolute_rule() -> None:
    decision = decide(GATE, scores(25.0), None)
    assert decision.promote
    assert decision.figures["lead.difference_low"] > 0
    assert decision.figures["examples"] == COUNT
    assert any("baseline lead" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("gate", "report", "said"),
    [
        (GATE, scores(17.0, lead=10.0), "(minimum 18.00)"),
        (Gate(minimum=18.0), scores(18.3, lead=17.9), "differs from baseline lead"),
        (GATE, scores(25.0, distinct=0.3), "30.0% of the outputs are distinct"),
        (GATE, scores(25.0, count=100), "100 test examples (minimum 500)"),
        (Gate(), scores(15.0), "differs from baseline lead by -0"),
    ],
)
def test_each_rule_can_refuse_and_only_failed_rules_are_given_as_reasons(gate: Gate, report: Scores, said: str) -> None:
    decision = decide(gate, report, None)
    assert not decision.promote
    assert any(said in reason for reason in decision.reasons)
    assert not any("minimum 500" in reason for reason in decision.reasons) or len(report.ids) < 500


def test_a_minimum_below_a_baseline_refuses_nothing() -> None:
    assert decide(Gate(minimum=0.0), scores(25.0), None).promote
    assert decide(GATE, scores(25.0, lead=19.0), None).promote


def test_with_a_champion_only_the_paired_difference_to_it_counts() -> None:
    champion = scores(30.0, seed=9)
    assert decide(Gate(minimum=99.0), scores(34.0), champion).promote
    refused = decide(Gate(minimum=0.0), scores(30.2), champion)
    assert not refused.promote
    assert refused.figures["champion.difference_low"] < 0
    assert "differs from the champion" in refused.reasons[0]


def test_pairing_sees_a_small_but_steady_difference() -> None:
    champion = scores(30.0)
    better = Scores(
        "same", champion.ids, {**champion.values, "model": {"rougeL": tuple(v + 0.3 for v in champion.values["model"]["rougeL"])}}, 0.95
    )
    assert decide(GATE, better, champion).promote
    assert not decide(GATE, champion, champion).promote


def test_pairs_are_matched_by_id_not_by_position() -> None:
    report = scores(30.0)
    order = list(range(COUNT))
    random.Random(4).shuffle(order)
    values = report.values["model"]["rougeL"]
    shuffled = Scores("same", tuple(report.ids[i] for i in order), {"model": {"rougeL": tuple(values[i] - 0.1 for i in order)}}, 0.95)
    assert decide(GATE, report, shuffled).figures["champion.difference_low"] == pytest.approx(0.1)


def test_few_examples_and_repeated_outputs_refuse_also_with_a_champion() -> None:
    decision = decide(GATE, scores(40.0, count=10, distinct=0.1), scores(20.0, count=10))
    assert not decision.promote
    assert len(decision.reasons) == 2


def test_reports_on_different_examples_cannot_be_paired() -> None:
    with pytest.raises(BadInput, match="other examples"):
        decide(GATE, scores(30.0), scores(20.0, examples="others"))


def test_wrong_names_are_answered_with_the_near_one() -> None:
    with pytest.raises(BadInput, match="did you mean 'rougeL'"):
        decide(Gate(metric="rougel", minimum=18), scores(30.0), None)
    with pytest.raises(BadInput, match="did you mean 'lead'"):
        decide(Gate(beats=("leads",), minimum=18), scores(30.0), None)


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says() -> None:
    trials = 60
    covered = 0
    for trial in range(trials):
        draw = random.Random(trial)
        own = [draw.gauss(1.0, 3.0) for _ in range(80)]
        low, high = paired_interval(own, [0.0] * 80, 0.9)
        covered += low <= 1.0 <= high
    assert 0.8 <= covered / trials <= 0.97


def test_the_code_of_the_gate_is_part_of_a_registrations_identity(tmp_path: Path) -> None:
    for package in ("pipeline", "components"):
        shutil.copytree(SOURCES / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    before = {stage: reached_modules(stage, {}, tmp_path) for stage in ("registration", "finetuning", "evaluation")}
    gate = tmp_path / "pipeline" / "registry" / "gate.py"
    gate.write_text(gate.read_text().replace("low > 0,", "low > 1,"))
    after = {stage: reached_modules(stage, {}, tmp_path) for stage in before}
    changed = {name for name, digest in after["registration"].items() if before["registration"][name] != digest}
    assert changed == {"pipeline.registry.gate"}
    assert {stage: after[stage] for stage in ("finetuning", "evaluation")} == {
        stage: before[stage] for stage in ("finetuning", "evaluation")
    }
