"""Versions made from documents that are to be forgotten: the gate, the end of a proposal, and what garbage collection keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import draft, write_files
from fixtures.scores import make_scores

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.gc import Ages, collect
from pipeline.artifacts.manifest import Manifest, blob_key
from pipeline.erasure.holders import Holders
from pipeline.erasure.tombstones import Tombstone, append_tombstone, read_tombstones
from pipeline.recipe.gate import Approval, Gate
from pipeline.registry.answers import record_answer
from pipeline.registry.end_proposal import end_proposal
from pipeline.registry.forgotten_versions import CHAMPION, held_versions, released_entries
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts

GATE = Gate(threshold=1.0, beats=(), min_examples=1, min_distinct=0.0)
WHY = "it was made from documents that are to be forgotten (entry 1 of `trainshed forget --list`)"
NOW = datetime.now(UTC)


@pytest.fixture
def artifacts(folder_settings) -> Artifacts:
    return open_artifacts(folder_settings)


@pytest.fixture
def corpus(artifacts, tmp_path) -> Manifest:
    return artifacts.commit(draft("a"), write_files(tmp_path / "a", {"train-00000.parquet": "secret"}))


def decide(ledger: Ledger, candidate: Candidate, approval: Approval | None = None, forgotten: str | None = None) -> LedgerEntry:
    scores = make_scores({"model": [5.0 + index % 3 for index in range(50)]})
    return decide_promotion(ledger, Proposal(GATE, candidate, scores, None, "code", "run", approval, None, forgotten=forgotten))


def forget(artifacts: Artifacts, corpus: Manifest) -> None:
    append_tombstone(artifacts.store, Tombstone(number=1, time=NOW, person="ada", ids=("a" * 24,), held={corpus.digest: ("train",)}))


def test_the_gate_refuses_and_asks_again_once_the_model_is_clean(artifacts, corpus) -> None:
    ledger, candidate = Ledger(artifacts.store, "m"), Candidate(version=1, model=corpus.reference)
    refused = decide(ledger, candidate, forgotten=WHY)
    assert (refused.decision, refused.reasons) == (Outcome.REFUSED, (WHY,))
    assert decide(ledger, candidate, forgotten=WHY) == refused
    assert decide(ledger, candidate).decision is Outcome.PROMOTED


def test_a_champion_that_holds_it_is_no_rival_where_the_recipe_says_so(artifacts, corpus, tmp_path) -> None:
    ledger = Ledger(artifacts.store, "m")
    decide(ledger, Candidate(version=1, model=corpus.reference))
    clean = artifacts.commit(draft("b"), write_files(tmp_path / "b", {"train-00000.parquet": "left"}))
    candidate, scores = Candidate(version=2, model=clean.reference), make_scores({"model": [5.0 + index % 3 for index in range(50)]})
    rival = ScoredChampion(corpus.reference, (corpus.reference,), scores)

    def ask(gate: Gate, code: str) -> LedgerEntry:
        return decide_promotion(ledger, Proposal(gate, candidate, scores, rival, code, "run", champion_forgotten=True))

    refused = ask(GATE, "a")
    assert refused.decision is Outcome.REFUSED  # it is as good as the champion, and no better
    promoted = ask(GATE.model_copy(update={"replace_forgotten": True}), "b")
    assert (promoted.decision, promoted.against) == (Outcome.PROMOTED, 1)


def test_a_proposal_with_its_approvals_is_refused_and_may_be_proposed_again(artifacts, corpus) -> None:
    ledger, candidate, one = (
        Ledger(artifacts.store, "m"),
        Candidate(version=1, model=corpus.reference),
        Approval(people=1, approvers=("ann",)),
    )
    proposal = decide(ledger, candidate, one)
    record_answer(ledger, proposal, "ann", "p", approve=True)
    ended = end_proposal(ledger, proposal.number, "p", forgotten=WHY)
    assert (ended.decision, ended.about, ended.waiting) == (Outcome.REFUSED, proposal.number, None)
    assert ledger.champion() is None
    assert end_proposal(ledger, proposal.number, "p", forgotten=WHY) == ended
    again = decide(ledger, candidate, one)
    assert (again.decision, again.number) == (Outcome.PROPOSED, 3)


def test_a_former_champion_that_holds_it_is_collected_and_the_one_that_serves_is_not(artifacts, corpus, tmp_path) -> None:
    ledger = Ledger(artifacts.store, "m")
    clean = artifacts.commit(draft("b"), write_files(tmp_path / "b", {"train-00000.parquet": "left"}))
    decide(ledger, Candidate(version=1, model=corpus.reference))
    forget(artifacts, corpus)
    assert [(one.role, one.forgotten) for one in held_versions(Holders(artifacts), ledger)] == [(CHAMPION, {1})]
    assert released_entries(artifacts) == frozenset()

    champion = ledger.champion()
    second = LedgerEntry(
        number=2,
        decision=Outcome.PROMOTED,
        challenger=Candidate(version=2, model=clean.reference),
        against=champion.number,
        time=NOW,
        run="r",
    )
    # nobody searched the second corpus: it would count as one that holds it
    known = read_tombstones(artifacts.store)[0].model_copy(update={"searched": (clean.digest[:16],)})
    ledger.append(second)
    artifacts.store.delete("forgotten/000001.json")
    append_tombstone(artifacts.store, known)
    assert [one.role for one in held_versions(Holders(artifacts), ledger)] == ["former champion"]
    released = released_entries(artifacts)
    assert released == {ledger.key(1)}
    later = NOW + timedelta(days=40)
    collect(artifacts, Ages(), later, released)
    removed = {stat.key for stat in collect(artifacts, Ages(), later + timedelta(days=2), released).removed}
    assert {corpus.key, blob_key(corpus.files[0].sha256)} <= removed
    assert artifacts.verify(clean) == []
    assert read_tombstones(artifacts.store) == [known]
