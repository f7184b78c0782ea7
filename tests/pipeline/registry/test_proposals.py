"""Proposals: who may answer, what makes one void, and that only answers in the store promote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fixtures.scores import make_scores

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference, to_sealed
from pipeline.artifacts.sealed import read_sealed
from pipeline.errors import BadInput, Damaged, Outdated
from pipeline.recipe.gate import Approval, Gate
from pipeline.registry.answers import may_answer, read_answers, record_answer
from pipeline.registry.comparison import share_of
from pipeline.registry.end_proposal import end_proposal
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.registry.scores import Scores

GATE = Gate(threshold=10.0, beats=(), min_examples=1, min_distinct=0.0)
TWO = Approval(people=2, approvers=("ann", "bob", "cat"))


def reference(kind: str, digest: str) -> Reference:
    return Reference(type=kind, stage=kind, fingerprint=f"made-{digest}", digest=digest)


def scores(value: float) -> Scores:
    return make_scores({"model": [value + index % 3 for index in range(50)]})


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(open_store(Settings(store=f"file://{tmp_path}/store")), "names")


def decide(
    ledger: Ledger,
    digest: str,
    value: float,
    champion: tuple[str, float] | None,
    approval: Approval | None = TWO,
    starter: str | None = "cat",
) -> LedgerEntry:
    """Decide about a model whose run ``starter`` started."""
    rival = (
        ScoredChampion(reference("model", champion[0]), (reference("report", f"of-{champion[0]}"),), scores(champion[1]))
        if champion
        else None
    )
    candidate = Candidate(version=1, model=reference("model", digest), report=reference("report", f"of-{digest}"))
    return decide_promotion(ledger, Proposal(GATE, candidate, scores(value), rival, f"code {digest}", f"run-{digest}", approval, starter))


def approve(ledger: Ledger, proposal: LedgerEntry, *people: str) -> None:
    for person in people:
        record_answer(ledger, proposal, person, "p-1", approve=True)


def test_a_model_that_passes_waits_for_two_people_and_then_serves(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    assert (proposal.decision, proposal.serves, proposal.waiting) == (Outcome.PROPOSED, False, 1)
    assert ledger.champion() is None
    assert ledger.waiting(ledger.head()) == proposal
    approve(ledger, proposal, "ann")
    with pytest.raises(BadInput, match=r"has 1 of 2 approvals in the ledger; expected answers of 2; fix: ask bob$"):
        end_proposal(ledger, 1, "p-1")
    approve(ledger, proposal, "bob")
    entry = end_proposal(ledger, 1, "p-1")
    assert (entry.decision, entry.serves, entry.approved_by, entry.about) == (Outcome.PROMOTED, True, ("ann", "bob"), 1)
    assert ledger.champion() == entry
    assert ledger.waiting(ledger.head()) is None
    assert end_proposal(ledger, 1, "p-1") == entry, "a retry finds what it appended"


def test_a_refused_model_is_not_proposed(ledger: Ledger) -> None:
    assert decide(ledger, "a", 5, None).decision is Outcome.REFUSED
    assert ledger.waiting(ledger.head()) is None


def test_without_a_rule_about_people_a_model_is_promoted_at_once(ledger: Ledger) -> None:
    assert decide(ledger, "a", 20, None, approval=None).serves


def test_the_starter_a_stranger_and_a_second_answer_do_not_count(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    assert may_answer(ledger, proposal) == ("ann", "bob")
    with pytest.raises(BadInput, match="cat cannot answer proposal 1 of names; expected somebody else: who starts a run does not approve"):
        approve(ledger, proposal, "cat")
    with pytest.raises(BadInput, match="dan cannot answer proposal 1 of names; expected one of ann, bob"):
        approve(ledger, proposal, "dan")
    approve(ledger, proposal, "ann")
    assert may_answer(ledger, proposal) == ("bob",)
    approve(ledger, proposal, "ann")
    with pytest.raises(BadInput, match="ann approved proposal 1 of names already"):
        record_answer(ledger, proposal, "ann", "p-1", approve=False)
    assert [answer.person for answer in read_answers(ledger, proposal)] == ["ann"]


def test_an_answer_of_the_starter_that_somebody_put_into_the_store_does_not_count(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    approve(ledger, proposal, "ann")
    body = read_sealed(ledger.store, "approvals/names/000001/ann.json")
    for person, evidence in (("cat", proposal.basis), ("bob", "0" * 64)):
        forged = {**{key: value for key, value in body.items() if key != "seal"}, "person": person, "evidence": evidence}
        ledger.store.put(f"approvals/names/000001/{person}.json", to_sealed(forged))
    copied = {key: value for key, value in body.items() if key != "seal"}
    ledger.store.put("approvals/names/000001/bob.json", to_sealed(copied))
    with pytest.raises(BadInput, match="has 1 of 2 approvals"):
        end_proposal(ledger, 1, "p-1")


def test_who_started_an_earlier_run_of_the_model_does_not_approve_it_either(ledger: Ledger) -> None:
    """After a void proposal Airflow starts the run, in no name, or in that of whoever triggered the other line."""
    decide(ledger, "a", 20, None)
    ledger.append(ledger.entry(1).model_copy(update={"number": 2, "decision": Outcome.EXPIRED, "about": 1, "waiting": None}))
    again = decide(ledger, "a", 20, None, starter=None)
    assert (again.decision, again.started_by, may_answer(ledger, again)) == (Outcome.PROPOSED, ("cat",), ("ann", "bob"))
    ledger.append(again.model_copy(update={"number": 4, "decision": Outcome.EXPIRED, "about": 3, "waiting": None}))
    third = decide(ledger, "a", 20, None, starter="ann")
    assert (third.started_by, may_answer(ledger, third)) == (("ann", "cat"), ("bob",))


def test_a_damaged_answer_is_no_approval(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    approve(ledger, proposal, "ann", "bob")
    key = "approvals/names/000001/ann.json"
    ledger.store.put(key, ledger.store.get(key).data.replace(b'"approve": true', b'"approve": 1234'))
    with pytest.raises(Damaged):
        end_proposal(ledger, 1, "p-1")
    assert ledger.head() == proposal


def test_one_rejection_ends_a_proposal(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    approve(ledger, proposal, "ann")
    record_answer(ledger, proposal, "bob", "p-1", approve=False, reason="too slow")
    entry = end_proposal(ledger, 1, "p-1")
    assert (entry.decision, entry.person, entry.reasons) == (Outcome.REJECTED, "bob", ("bob rejected it: too slow",))
    assert ledger.champion() is None
    assert decide(ledger, "a", 20, None) == entry, "the same question is not asked again"


def test_a_proposal_expires_and_may_be_made_again(ledger: Ledger) -> None:
    proposal = decide(ledger, "a", 20, None)
    approve(ledger, proposal, "ann")
    entry = end_proposal(ledger, 1, "p-1", datetime.now(UTC) + timedelta(days=15))
    assert (entry.decision, entry.reasons) == (Outcome.EXPIRED, ("1 of 2 approved in 14 days",))
    again = decide(ledger, "a", 20, None)
    assert (again.decision, again.number) == (Outcome.PROPOSED, 3)
    assert read_answers(ledger, again) == ()


def test_a_newer_proposal_takes_the_place_of_one_that_waits(ledger: Ledger) -> None:
    first, second = decide(ledger, "a", 20, None), decide(ledger, "b", 21, None)
    approve(ledger, first, "ann", "bob")
    with pytest.raises(BadInput, match=r"proposal 1 of names is void: a newer proposal took its place \(ledger entry 2\)"):
        end_proposal(ledger, 1, "p-1")
    approve(ledger, second, "ann", "bob")
    assert end_proposal(ledger, 2, "p-2").digest == "b"


def test_a_refusal_meanwhile_leaves_a_proposal_waiting_and_counts_as_a_comparison(ledger: Ledger) -> None:
    first = decide(ledger, "a", 20, None, approval=None)
    proposal = decide(ledger, "b", 30, ("a", 20))
    refused = decide(ledger, "c", 19, ("a", 20))
    assert (refused.decision, refused.waiting) == (Outcome.REFUSED, proposal.number)
    approve(ledger, proposal, "ann", "bob")
    promoted = end_proposal(ledger, proposal.number, "p-1")
    assert (promoted.against, promoted.comparison.tried) == (first.number, refused.comparison.tried)
    following = decide(ledger, "d", 30.1, ("b", 30))
    assert following.comparison.number == refused.comparison.tried + 1
    assert following.comparison.share == share_of(following.comparison.number), "the promotion came after another comparison"


@pytest.mark.parametrize("how", ["promotion", "rollback"])
def test_another_champion_makes_a_proposal_void(ledger: Ledger, how: str) -> None:
    champion = decide(ledger, "a", 20, None, approval=None)
    proposal = decide(ledger, "b", 30, ("a", 20))
    approve(ledger, proposal, "ann", "bob")
    outcome = Outcome.PROMOTED if how == "promotion" else Outcome.ROLLED_BACK
    ledger.append(LedgerEntry(number=3, decision=outcome, challenger=champion.challenger, against=1, time=datetime.now(UTC), run="by hand"))
    with pytest.raises(Outdated, match=r"proposal 2 of names is void: .*; fix: run the recipe again"):
        end_proposal(ledger, 2, "p-1")
    assert ledger.head().number == 3


def test_an_outcome_and_fields_of_a_later_version_do_not_serve(ledger: Ledger) -> None:
    champion = decide(ledger, "a", 20, None, approval=None)
    later = champion.model_dump(mode="json") | {"number": 2, "decision": "enthroned", "serves": True, "against": 1, "crown": "gold"}
    ledger.store.put(ledger.key(2), to_sealed(later))
    head = ledger.head()
    assert head.decision is Outcome.UNKNOWN
    assert ledger.champion(head) == champion


def test_a_number_that_is_no_proposal_is_one_line(ledger: Ledger) -> None:
    decide(ledger, "a", 20, None, approval=None)
    for number in (1, 7):
        with pytest.raises(BadInput, match=f"ledger entry {number} of names is no proposal"):
            end_proposal(ledger, number, "p-1")
