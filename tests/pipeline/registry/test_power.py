"""How many test examples a gain needs, and what is said where there are too few."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.simulated_models import SimulatedTestSet, alone

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe.gate import Gate
from pipeline.registry.comparison import share_of, whole_error
from pipeline.registry.gate import decide
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.power import examples_needed, small_test_set

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.registry.comparison import Comparison
    from pipeline.settings import Settings

ACCURACY = load_metric("accuracy")
ASKED = Gate(min_gain=5.0)


@pytest.fixture
def ledger(folder_settings: Settings) -> Ledger:
    return Ledger(open_store(folder_settings), "m")


def append(ledger: Ledger, comparison: Comparison | None = None, **figures: float) -> None:
    head = ledger.head()
    candidate = Candidate(version=1, model=Reference(type="model", stage="s", fingerprint="f", digest="d"))
    number, now = head.number + 1 if head else 1, datetime(2026, 1, 1, tzinfo=UTC)
    named = {name.replace("__", "."): value for name, value in figures.items()}
    fields = {"decision": Outcome.REFUSED, "challenger": candidate, "comparison": comparison, "figures": named}
    ledger.append(LedgerEntry(number=number, time=now, run="r", **fields))


def test_the_number_of_examples_finds_the_gain_nine_times_out_of_ten() -> None:
    """Simulated with the spread that the models have."""
    sets = [SimulatedTestSet(alone(1000), seed) for seed in range(300)]
    found = [decide(Gate(), each.model(2.392), each.model()) for each in sets]
    spread = float(np.mean([decision.figures["champion.spread"] for decision in found]))
    needed = examples_needed(5.0, whole_error(0.95) * share_of(1), spread)
    fitting = [SimulatedTestSet(alone(needed), 1000 + seed) for seed in range(300)]
    promoted = sum(decide(Gate(), each.model(2.392), each.model()).promote for each in fitting)
    assert 0.85 <= promoted / 300 <= 0.95


def test_without_a_wanted_gain_and_with_enough_examples_nothing_is_said(ledger: Ledger) -> None:
    assert small_test_set(Gate(), ACCURACY, 10, ledger) is None
    assert small_test_set(ASKED, ACCURACY, 5000, ledger) is None


def test_before_a_comparison_percentages_are_assumed_and_other_metrics_are_not(ledger: Ledger) -> None:
    assert small_test_set(ASKED, ACCURACY, 500, ledger) == (
        "500 test examples are too few to find a gain of 5.00 in accuracy in 9 of 10 cases: about 1,132 are needed at comparison 1 "
        "(as if a quarter of the answers change); bring more data, raise evaluation.examples, or raise registration.gate.min_gain"
    )
    assert small_test_set(ASKED, load_metric("perplexity"), 500, ledger) is None


def test_the_newest_comparison_with_a_champion_says_what_the_spread_is(ledger: Ledger, tmp_path: Path) -> None:
    append(ledger, champion__accuracy=80.0, champion__spread=30.0)
    append(ledger, champion__rougeL=30.0, champion__spread=3.0)
    said = small_test_set(ASKED, ACCURACY, 300, ledger)
    assert said is not None
    assert "about 408 are needed at comparison 1 (from ledger entry 1)" in said
    assert small_test_set(ASKED, ACCURACY, 408, ledger) is None
