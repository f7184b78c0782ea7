"""Which comparison on a test set a decision makes, and what it may err."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from scipy.special import zeta

from pipeline.artifacts.manifest import Reference
from pipeline.registry.comparison import Comparison, next_comparison, share_of, share_seen, sketch
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDS = tuple(f"id-{number}" for number in range(1000))


class History:
    """Decisions, one after another."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []

    def decide(self, evidence: str, ids: Sequence[str] = IDS, outcome: Outcome = Outcome.REFUSED, confidence: float = 0.95) -> Comparison:
        made = next_comparison(reversed(self.entries), ids, evidence, confidence)
        self.append(outcome, made)
        return made

    def append(self, outcome: Outcome, comparison: Comparison | None = None) -> None:
        candidate = Candidate(version=1, model=Reference(type="model", stage="s", fingerprint="f", digest="d"))
        number = len(self.entries) + 1
        self.entries.append(LedgerEntry(number=number, decision=outcome, challenger=candidate, comparison=comparison, time=NOW, run="r"))


def test_the_parts_of_all_comparisons_add_up_to_the_whole() -> None:
    assert sum(map(share_of, range(1, 100_000))) == pytest.approx(1, abs=1e-5)
    assert sum(map(share_of, range(1, 100_000))) < 1


def test_each_comparison_on_a_test_set_may_err_less() -> None:
    history = History()
    made = [history.decide(f"model {number}") for number in range(1, 53)]
    assert [each.number for each in made] == list(range(1, 53))
    assert [each.alpha for each in made] == [pytest.approx(0.025 * number**-2.5 / zeta(2.5)) for number in range(1, 53)]
    assert sum(each.alpha for each in made) < 0.025


def test_a_promotion_passes_its_part_on_and_the_sum_over_refused_ones_stays_bounded() -> None:
    history = History()
    history.decide("a", outcome=Outcome.PROMOTED)
    assert history.decide("b", outcome=Outcome.PROMOTED).share == pytest.approx(share_of(1) + share_of(2))
    assert history.decide("c").share == pytest.approx(share_of(1) + share_of(2) + share_of(3))
    assert history.decide("d").share == pytest.approx(share_of(4))
    draw = random.Random(1)
    for _ in range(50):
        history, refused = History(), 0.0
        for number in range(40):
            outcome = draw.choice([Outcome.PROMOTED, Outcome.REFUSED, Outcome.REFUSED])
            made = history.decide(f"{number}", outcome=outcome)
            refused += made.share if outcome is Outcome.REFUSED else 0
        assert refused < 1


def test_the_same_scores_again_are_the_same_comparison() -> None:
    history = History()
    first = history.decide("a")
    second = history.decide("b")
    again = history.decide("a")
    assert (again.number, again.alpha, again.tried) == (first.number, first.alpha, 2)
    assert history.decide("c").number == 3
    assert history.decide("b").number == second.number
    assert history.decide("d").number == 4


def test_the_same_scores_with_another_confidence_follow_the_new_one() -> None:
    history = History()
    history.decide("a")
    history.decide("b")
    assert history.decide("b", confidence=0.99).alpha == pytest.approx(0.005 * share_of(2))


def test_a_rollback_and_a_decision_without_scores_neither_count_nor_reset() -> None:
    history = History()
    history.append(Outcome.PROMOTED)
    assert history.decide("a", outcome=Outcome.PROMOTED).number == 1
    history.append(Outcome.ROLLED_BACK)
    assert history.decide("b").number == 2


def test_a_test_set_that_grows_is_the_same_one_until_half_of_it_is_new() -> None:
    history = History()
    history.decide("a")
    assert history.decide("b", IDS[50:] + tuple(f"new-{number}" for number in range(50))).number == 2
    assert history.decide("c", IDS[250:] + tuple(f"new-{number}" for number in range(250))).number == 3
    fresh = history.decide("d", IDS[800:] + tuple(f"new-{number}" for number in range(800)))
    assert (fresh.number, fresh.tried) == (1, 1)


def test_going_back_to_an_earlier_test_set_goes_on_counting_there() -> None:
    history, others = History(), tuple(f"other-{number}" for number in range(700))
    for number in range(30):
        history.decide(f"a{number}")
    assert history.decide("b", others).number == 1
    for number in range(30):
        history.decide(f"c{number}", others)
    assert history.decide("d").number == 31
    assert history.decide("e", others).number == 32


@pytest.mark.parametrize(("now", "before", "shared"), [(1000, 1000, 400), (1000, 300, 200), (300, 5000, 240), (40, 40, 10), (1000, 50, 50)])
def test_the_share_seen_before_is_estimated(now: int, before: int, shared: int) -> None:
    found = []
    for seed in range(30):
        ids = [f"{seed}-{number}" for number in range(now + before)]
        found.append(share_seen(sketch(ids[:now]), sketch(ids[now - shared : now - shared + before])))
    assert sum(found) / 30 == pytest.approx(shared / now, abs=0.08)


def test_a_test_set_of_few_examples_is_known_exactly() -> None:
    assert share_seen(sketch("abcd"), sketch("cdef")) == 0.5
    assert share_seen(sketch("abcd"), sketch("abcd")) == 1
    assert share_seen(sketch(""), sketch("a")) == 0
