"""The gate with several training seeds, and with test examples that the training text contains."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.scores import make_scores

from pipeline.artifacts.manifest import Reference
from pipeline.errors import BadInput
from pipeline.metrics.base import means
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.paired_difference import paired_difference
from pipeline.metrics.student import upper_quantile
from pipeline.recipe.gate import Gate, NoWorse
from pipeline.registry.decision_page import render_decision
from pipeline.registry.decision_table import decision_rows, seed_lines
from pipeline.registry.gate import compared_scores, decide
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.promotion import reports_digest
from pipeline.registry.scores import Contaminated, Scores

if TYPE_CHECKING:
    from pipeline.registry.findings import GateDecision

COUNT = 600


def trained(*levels: float, seed: int = 1) -> Scores:
    """Scores of one recipe's models whose means are given, in the order of their training seeds."""
    draw = random.Random(seed)
    noise = [draw.uniform(-10, 10) for _ in range(COUNT)]
    first, *others = (make_scores({"model": [level + each for each in noise], "lead": noise}, beats=("lead",)) for level in levels)
    return replace(first, siblings=tuple(others))


def entry(decision: GateDecision) -> LedgerEntry:
    model = Reference(type="model", stage="finetuning", fingerprint="f" * 64, digest="d" * 64)
    return LedgerEntry(
        number=2,
        decision=Outcome.PROMOTED if decision.promote else Outcome.REFUSED,
        challenger=Candidate(version=2, model=model),
        against=1,
        reasons=decision.reasons,
        rules=decision.rules,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        run="run",
    )


def test_the_mean_of_the_seeds_decides_and_every_seed_is_shown() -> None:
    decision = decide(Gate(), trained(34.0, 35.0, 36.0), trained(30.0, 30.5, 29.5, seed=2))
    assert decision.promote
    assert decision.figures["seeds"] == 3
    better = next(rule for rule in decision.rules if rule.rule == "better than champion")
    assert better.difference == pytest.approx(np.mean(better.seeds) - np.mean(better.other_seeds))
    assert better.challenger == pytest.approx(np.mean(better.seeds))
    assert [round(b - a, 6) for a, b in zip(better.seeds, better.seeds[1:], strict=False)] == [1.0, 1.0]
    assert any("from 600 examples and the training seeds" in reason for reason in decision.reasons)
    (line,) = seed_lines(entry(decision))
    assert line.startswith("rougeL by training seed: challenger ")
    assert line.count("mean") == 2
    page = render_decision("m", entry(decision))
    assert line in page
    assert ("registered seed ahead", "met") in {(row.rule, row.verdict) for row in decision_rows(entry(decision))}


def test_seeds_that_differ_much_need_a_larger_gain() -> None:
    champion = trained(30.0, 30.1, 29.9, seed=2)
    assert decide(Gate(), trained(35.0, 35.2, 34.8), champion).promote
    assert not decide(Gate(), trained(38.0, 30.5, 36.5), champion).promote


def test_a_champion_of_one_seed_counts_with_the_chance_of_the_challengers_seeds() -> None:
    steady, shaky = trained(35.0, 35.1, 34.9), trained(38.0, 34.0, 33.0)
    alone = trained(30.0, seed=2)
    assert decide(Gate(), steady, alone).promote
    assert not decide(Gate(), shaky, alone).promote
    better = next(rule for rule in decide(Gate(), steady, alone).rules if rule.rule == "better than champion")
    assert (len(better.seeds), len(better.other_seeds)) == (3, 1)


def test_the_model_that_would_serve_has_to_be_ahead_by_itself() -> None:
    decision = decide(Gate(), trained(29.9, 41.0, 41.2, 41.1, 41.0), trained(30.0, 30.0, 30.0, 30.0, 30.0, seed=1), alpha=0.4)
    assert [rule.rule for rule in decision.rules if not rule.met] == ["registered seed ahead"]


def test_one_seed_is_compared_as_before() -> None:
    one, champion = trained(31.0), trained(30.0, seed=2)
    decision = decide(Gate(no_worse=(NoWorse(margin=1.0),)), one, champion)
    assert "seeds" not in decision.figures
    assert all(not rule.seeds for rule in decision.rules)
    assert "registered seed ahead" not in [rule.rule for rule in decision.rules]


def test_slices_and_further_metrics_are_means_over_the_seeds_too() -> None:
    decision = decide(Gate(no_worse=(NoWorse(margin=1.0),)), trained(34.0, 35.0, 36.0), trained(30.0, 30.5, 29.5, seed=2))
    rule = next(rule for rule in decision.rules if rule.rule.startswith("not worse"))
    assert len(rule.seeds) == len(rule.other_seeds) == 3


def test_baselines_are_compared_seed_by_seed() -> None:
    decision = decide(Gate(), trained(5.0, 5.5, 4.5), None)
    assert decision.promote
    assert not decide(Gate(), trained(9.0, -1.0, 3.0), None).promote


def test_seeds_on_different_examples_are_refused() -> None:
    mixed = trained(34.0, 35.0)
    wrong = replace(mixed, siblings=(replace(mixed.siblings[0], examples="others"),))
    with pytest.raises(BadInput, match="the models of the training seeds were scored on different examples"):
        decide(Gate(), wrong, trained(30.0))


def test_a_sibling_may_have_its_examples_in_another_order() -> None:
    report = trained(34.0, 35.0)
    sibling = report.siblings[0]
    rows = sibling.statistics["model"]["rougeL"]
    turned = replace(sibling, ids=sibling.ids[::-1], statistics={**sibling.statistics, "model": {"rougeL": rows[::-1]}})
    champion = trained(30.0, 31.0, seed=2)
    assert decide(Gate(), replace(report, siblings=(turned,)), champion) == decide(Gate(), report, champion)


def test_the_evidence_covers_every_seed_and_that_of_one_seed_has_no_other_form() -> None:
    champion = trained(30.0, seed=2)
    both, first = trained(34.0, 35.0), trained(34.0)
    assert compared_scores(Gate(), both, champion) != compared_scores(Gate(), first, champion)
    assert compared_scores(Gate(), trained(34.0, 35.1), champion) != compared_scores(Gate(), both, champion)
    one, two = (Reference(type="report", stage="evaluation", fingerprint="f", digest=digest) for digest in "ab")
    assert reports_digest([]) is None
    assert reports_digest([one]) == "a"
    assert len({reports_digest([one, two]), reports_digest([two, one]), "a", "b"}) == 4


def test_the_error_of_the_seeds_is_that_of_two_means_with_a_pooled_variance() -> None:
    accuracy = load_metric("accuracy")
    own, other = [[means([level + 1.0, level - 1.0] * 50) for level in levels] for levels in ((60.0, 62.0, 64.0), (50.0, 53.0))]
    found = paired_difference(accuracy, own, other, [""] * 100)
    assert found.value == pytest.approx(62.0 - 51.5)
    assert found.seed_freedom == 3
    assert found.seed_error == pytest.approx(np.sqrt((8.0 + 4.5) / 3 * (1 / 3 + 1 / 2)))
    interval = found.interval(0.025)
    assert interval is not None
    assert interval.high - found.value == pytest.approx(upper_quantile(0.025, 3) * found.seed_error)
    pairs = paired_difference(accuracy, own[:2], other, [""] * 100, same_seeds=True)
    assert (pairs.seed_freedom, pairs.seed_error) == (1, pytest.approx(0.5))


def dirty(exact: int, near: int) -> Contaminated:
    return Contaminated(COUNT, exact, near, "shop.a, which is in shop.b" if exact or near else "")


def test_a_model_whose_training_contains_test_examples_is_refused() -> None:
    clean = trained(35.0)
    assert decide(Gate(), replace(clean, contamination=dirty(0, 6)), trained(30.0)).promote
    refused = decide(Gate(), replace(clean, contamination=dirty(4, 8)), trained(30.0))
    (reason,) = refused.reasons
    assert reason.startswith(
        "training contains 12 of 600 test examples, 2.0% (maximum 1.0%): 4 word for word, 8 nearly, e.g. shop.a, which is in"
    )
    assert reason.endswith("; fix: data.split.near_copies: drop, or raise registration.gate.max_contaminated")
    (row,) = [row for row in decision_rows(entry(refused)) if row.metric == "contaminated"]
    assert (row.challenger, row.rule, row.verdict) == ("2.0%", "at most 1.0% in training", "not met")
    assert decide(Gate(max_contaminated=0.02), replace(clean, contamination=dirty(4, 8)), trained(30.0)).promote
    assert not decide(Gate(max_contaminated=0.0), replace(clean, contamination=dirty(0, 1)), None).promote


def test_a_report_that_says_nothing_of_contamination_decides_nothing() -> None:
    with pytest.raises(BadInput, match="does not say what training contains"):
        decide(Gate(), replace(trained(35.0), contamination=None), trained(30.0))
