"""The ledger: append-only, one winner per number, and the champion found from its newest entry."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.scores import make_scores

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict, Stored
from pipeline.artifacts.manifest import Reference, to_sealed
from pipeline.errors import BadInput, Damaged, Outdated
from pipeline.recipe.gate import Gate
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.registry.scores import Scores

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate(threshold=10.0, beats=(), min_examples=1, min_distinct=0.0)


def reference(kind: str, digest: str) -> Reference:
    return Reference(type=kind, stage=kind, fingerprint=f"made-{digest}", digest=digest)


def candidate(digest: str, version: int = 1) -> Candidate:
    return Candidate(version=version, model=reference("model", digest), report=reference("report", f"scores-of-{digest}"))


def entry(number: int, digest: str, decision: Outcome, against: int | None = None) -> LedgerEntry:
    return LedgerEntry(number=number, decision=decision, challenger=candidate(digest), against=against, time=NOW, run="r")


def scores(value: float) -> Scores:
    return make_scores({"model": [value + index % 3 for index in range(50)]})


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(open_store(Settings(store=f"file://{tmp_path}/store")), "names")


def propose(
    ledger: Ledger, gate: Gate, challenger: Candidate, value: float, champion: ScoredChampion | None, run: str, code: str = "code"
) -> LedgerEntry:
    """Decide about a model whose examples score ``value``, by a gate of some code."""
    fingerprint = f"{code} {gate.model_dump_json()} {challenger.model.digest} {challenger.report.digest}"
    return decide_promotion(ledger, Proposal(gate, challenger, scores(value), champion, fingerprint, run))


def scored_champion(digest: str, value: float) -> ScoredChampion:
    return ScoredChampion(reference("model", digest), (reference("report", f"scores-of-{digest}"),), scores(value))


def test_an_empty_ledger_has_no_champion(ledger: Ledger) -> None:
    assert ledger.head() is None
    assert ledger.champion() is None


def test_the_champion_is_the_last_that_was_promoted_or_rolled_back(ledger: Ledger) -> None:
    ledger.append(entry(1, "a", Outcome.REFUSED))
    assert ledger.champion() is None
    ledger.append(entry(2, "b", Outcome.PROMOTED))
    ledger.append(entry(3, "c", Outcome.REFUSED, against=2))
    assert ledger.champion().digest == "b"
    ledger.append(entry(4, "d", Outcome.PROMOTED, against=2))
    ledger.append(entry(5, "b", Outcome.ROLLED_BACK, against=4))
    ledger.append(entry(6, "e", Outcome.REFUSED, against=5))
    assert ledger.head().number == 6
    assert ledger.champion().number == 5


def test_numbers_stay_in_order_beyond_nine(ledger: Ledger) -> None:
    for number in range(1, 13):
        ledger.append(entry(number, str(number), Outcome.PROMOTED, against=number - 1 or None))
    assert ledger.head().number == 12
    assert [found.number for found in ledger.newest_first(ledger.head(), until=9)] == [12, 11, 10]


def test_ledgers_of_other_models_are_not_seen(ledger: Ledger) -> None:
    ledger.append(entry(1, "a", Outcome.PROMOTED))
    assert Ledger(ledger.store, "name").head() is None
    assert Ledger(ledger.store, "names-2").head() is None


def test_of_many_writers_of_one_number_one_wins(ledger: Ledger) -> None:
    def write(index: int) -> bool:
        try:
            ledger.append(entry(1, f"model-{index}", Outcome.PROMOTED))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(16))) == 1


def test_a_decision_is_found_against_the_current_champion_only(ledger: Ledger) -> None:
    propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    refused = propose(ledger, GATE, candidate("b"), 19, scored_champion("a", 20), "run-2")
    head = ledger.head()
    assert ledger.find_decision(refused.basis, head, ledger.champion(head)) == refused
    assert ledger.find_decision("another question", head, ledger.champion(head)) is None
    propose(ledger, GATE, candidate("c"), 30, scored_champion("a", 20), "run-3")
    head = ledger.head()
    assert ledger.find_decision(refused.basis, head, ledger.champion(head)) is None


def test_finding_no_decision_after_200_refusals_reads_the_newest_few(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.append(entry(1, "a", Outcome.PROMOTED))
    for number in range(2, 202):
        ledger.append(entry(number, f"model-{number}", Outcome.REFUSED, against=1))
    read: list[int] = []
    real = ledger.entry
    monkeypatch.setattr(ledger, "entry", lambda number: read.append(number) or real(number))
    head = ledger.head()
    assert ledger.find_decision("unknown", head, ledger.champion(head)) is None
    assert len(read) <= 22


def test_promoting_writes_one_entry_however_often_it_is_asked(ledger: Ledger) -> None:
    first = propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    assert first.decision is Outcome.PROMOTED
    assert propose(ledger, GATE, candidate("a"), 20, None, "run-1") == first
    refused = propose(ledger, GATE, candidate("b"), 19, scored_champion("a", 20), "run-2")
    assert refused.decision is Outcome.REFUSED
    assert propose(ledger, GATE, candidate("b", version=7), 19, scored_champion("a", 20), "run-3") == refused
    assert ledger.head().number == 2


def test_another_gate_is_another_question(ledger: Ledger) -> None:
    strict = GATE.model_copy(update={"threshold": 90.0})
    assert propose(ledger, strict, candidate("a"), 20, None, "run-1").decision is Outcome.REFUSED
    assert propose(ledger, GATE, candidate("a"), 20, None, "run-2").decision is Outcome.PROMOTED


def test_a_corrected_gate_decides_again(ledger: Ledger) -> None:
    propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    refused = propose(ledger, GATE, candidate("b"), 19, scored_champion("a", 20), "run-2")
    again = propose(ledger, GATE, candidate("b"), 19, scored_champion("a", 20), "run-3", code="corrected code")
    assert (again.number, again.decision) == (refused.number + 1, Outcome.REFUSED)
    assert propose(ledger, GATE, candidate("b"), 19, scored_champion("a", 20), "run-4", code="corrected code") == again


def test_a_run_planned_against_another_champion_has_to_be_planned_again(ledger: Ledger) -> None:
    propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    for planned in (None, scored_champion("z", 20)):
        with pytest.raises(Outdated, match="champion changed"):
            propose(ledger, GATE, candidate("b"), 30, planned, "run-2")
    assert ledger.head().number == 1


def test_racing_promotions_never_decide_on_the_same_state(ledger: Ledger) -> None:
    def compete(index: int) -> Outcome | None:
        try:
            return propose(ledger, GATE, candidate(f"m{index}"), 20 + index, None, f"run-{index}").decision
        except Outdated:
            return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(compete, range(8)))
    assert outcomes.count(Outcome.PROMOTED) == 1
    assert ledger.head().number == 1


def test_a_refusal_that_came_between_does_not_stop_a_promotion(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    written = ledger.append

    def late(new: LedgerEntry) -> LedgerEntry:
        monkeypatch.setattr(ledger, "append", written)
        propose(Ledger(ledger.store, "names"), GATE, candidate("slow"), 1, scored_champion("a", 20), "other")
        return written(new)

    monkeypatch.setattr(ledger, "append", late)
    won = propose(ledger, GATE, candidate("b"), 30, scored_champion("a", 20), "run-2")
    assert (won.number, won.decision) == (3, Outcome.PROMOTED)
    assert ledger.champion().digest == "b"


def test_a_model_that_was_rolled_back_stays_out_until_another_champion_comes(ledger: Ledger) -> None:
    ledger.append(entry(1, "a", Outcome.PROMOTED))
    ledger.append(entry(2, "b", Outcome.PROMOTED, against=1))
    ledger.append(entry(3, "c", Outcome.PROMOTED, against=2))
    ledger.append(entry(4, "b", Outcome.ROLLED_BACK, against=3))
    ledger.append(entry(5, "a", Outcome.ROLLED_BACK, against=4))
    for digest in ("b", "c"):
        decided = propose(ledger, GATE, candidate(digest), 90, scored_champion("a", 20), "again")
        assert decided.decision is Outcome.REFUSED
        assert "rolled this model back" in decided.reasons[0]
    assert propose(ledger, GATE, candidate("d"), 30, scored_champion("a", 20), "new").decision is Outcome.PROMOTED
    assert propose(ledger, GATE, candidate("c"), 90, scored_champion("d", 30), "later").decision is Outcome.PROMOTED


def test_an_entry_that_is_not_ours_is_one_line(ledger: Ledger) -> None:
    ledger.store.put(ledger.key(1), to_sealed({}))
    with pytest.raises(BadInput, match=r"000001\.json is not a ledger entry"):
        ledger.head()
    ledger.store.put(ledger.key(1), entry(2, "a", Outcome.PROMOTED).to_bytes())
    with pytest.raises(BadInput, match=r"000001\.json is entry 2"):
        ledger.head()


def test_a_flipped_byte_anywhere_in_an_entry_is_found(ledger: Ledger) -> None:
    """Many of them leave valid JSON: with another digest, number or decision."""
    data = ledger.append(entry(1, "a", Outcome.PROMOTED)).to_bytes()
    valid = 0
    for index in range(len(data)):
        flipped = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        ledger.store.put(ledger.key(1), flipped)
        with suppress(ValueError):
            valid += isinstance(json.loads(flipped), dict)
        with pytest.raises(Damaged, match=r"ledger/names/000001\.json is damaged: .*; fix: restore it from a backup"):
            ledger.head()
    assert valid > len(data) / 3


def test_an_entry_that_was_damaged_on_its_way_is_read_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    written = ledger.append(entry(1, "a", Outcome.PROMOTED))
    get, answers = ledger.store.get, [lambda found: Stored(found.data.replace(b'"a"', b'"b"'), found.etag), lambda found: found]
    monkeypatch.setattr(ledger.store, "get", lambda key: answers.pop(0)(get(key)))
    assert ledger.head() == written
    assert answers == []


def noisy(seed: int) -> Scores:
    draw = random.Random(seed)
    return make_scores({"model": [draw.gauss(20, 5) for _ in range(50)]})


def test_every_decision_on_a_test_set_is_a_comparison_and_the_same_scores_are_the_same_one(ledger: Ledger) -> None:
    first = propose(ledger, GATE, candidate("a"), 20, None, "run-1")
    assert first.comparison is None  # nothing to compare with
    champion = ScoredChampion(reference("model", "a"), (reference("report", "scores-of-a"),), noisy(0))

    def decide(digest: str, seed: int, code: str = "code") -> LedgerEntry:
        proposal = Proposal(GATE, candidate(digest), noisy(seed), champion, f"{code} {digest}", "run")
        return decide_promotion(ledger, proposal)

    second, third = decide("b", 1), decide("c", 2)
    assert [entry.comparison.number for entry in (second, third)] == [1, 2]
    assert third.comparison.alpha == third.figures["alpha"] < second.comparison.alpha
    again = decide("b", 1, "corrected code")
    assert again.number > third.number
    assert (again.comparison.number, again.comparison.tried) == (1, 2)
    assert decide("d", 3).comparison.number == 3
    assert {rule.rule for rule in third.rules} >= {"better than champion", "at least 1 test examples"}
    assert ledger.entry(third.number) == third


def test_promoters_at_once_count_each_other(ledger: Ledger) -> None:
    propose(ledger, GATE, candidate("a"), 20, None, "run-0")
    champion = ScoredChampion(reference("model", "a"), (reference("report", "scores-of-a"),), noisy(0))

    def decide(number: int) -> None:
        proposal = Proposal(GATE, candidate(f"m{number}"), noisy(number), champion, f"f{number}", f"run-{number}")
        with suppress(Outdated):
            decide_promotion(ledger, proposal)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(decide, range(1, 9)))
    made = [found.comparison.number for found in ledger.newest_first(ledger.head(), until=1)]
    assert made == list(range(len(made), 0, -1))
