"""Reminders about a proposal that waits: when, to whom, how often; by the operator, with a real receiver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.receiver import http_receiver

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.artifacts.types import ArtifactType
from pipeline.orchestration.remind_dag import remind_dags
from pipeline.orchestration.remind_operator import RemindOperator
from pipeline.recipe import read_recipe
from pipeline.recipe.gate import Approval
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.reminder import due, note
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
MODEL = Reference(type=ArtifactType.MODEL, stage="finetuning", fingerprint="f" * 64, digest="d" * 64)
RECIPE = """\
name: asked
data: {source: {kind: jsonl, path: rows.jsonl, columns: {target: summary}}, split: {salt: s}}
task: {kind: summarization}
model: {family: t5}
finetuning: {steps: 2}
registration: {model: asked, approval: {people: 2, from: [ann, ben, zoe]}}
notify: {via: [webhook], remind_days: 3}
"""


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """An empty ledger in a store that tasks find."""
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TRAINSHED_STORE", f"file://{tmp_path}/store")
    return Ledger(open_store(Settings(store=f"file://{tmp_path}/store")), "asked")


def propose(ledger: Ledger, number: int, days_ago: float) -> LedgerEntry:
    """Append a proposal that waits for ann and ben."""
    approval = Approval(people=2, approvers=("ann", "ben", "zoe"))
    candidate = Candidate(version=number, model=MODEL)
    return ledger.append(
        LedgerEntry(
            number=number,
            decision=Outcome.PROPOSED,
            challenger=candidate,
            waiting=number,
            approval=approval,
            started_by=("zoe",),
            basis=f"basis {number}",
            time=NOW - timedelta(days=days_ago),
            run="asked-20260101-000000-abcd",
        )
    )


def remind(folder: Path) -> None:
    """Execute the operator once."""
    (folder / "asked.yaml").write_text(RECIPE)
    operator = RemindOperator(recipe=read_recipe(folder / "asked.yaml"))
    context: dict[str, Any] = {"dag": SimpleNamespace(dag_id="asked.remind"), "run_id": "scheduled__2026-01-01", "ti": None}
    operator.execute(context)


def test_people_are_reminded_once_in_so_many_days(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_receiver() as receiver:
        monkeypatch.setenv("TRAINSHED_NOTIFY_WEBHOOK", receiver.url)
        remind(tmp_path)
        assert receiver.bodies == [], "nothing waits"
        propose(ledger, 1, days_ago=4)
        record_answer(ledger, ledger.entry(1), "ben", "r", approve=True)
        remind(tmp_path)
        remind(tmp_path)
    (body,) = receiver.bodies
    assert (body["event"], body["run"], body["model"]) == ("waiting", "asked-20260101-000000-abcd", "asked")
    assert body["detail"].startswith("version 1 has waited 4 days for 1 of 2 approvals, by ann, until ")
    assert body["detail"].endswith("or by `trainshed approve asked`")


def test_the_time_between_reminders_counts_from_the_last_one_of_this_proposal(ledger: Ledger) -> None:
    propose(ledger, 1, days_ago=10)
    found = due(ledger, 3, NOW)
    assert found is not None
    note(ledger, found, NOW)
    assert due(ledger, 3, NOW + timedelta(days=2.9)) is None
    assert due(ledger, 3, NOW + timedelta(days=3)) is not None
    assert due(ledger, 3, NOW + timedelta(days=4)) is None, "the proposal has expired"
    propose(ledger, 2, days_ago=3)
    assert due(ledger, 3, NOW).proposal.number == 2, "a newer proposal has a time of its own"
    ledger.store.put("reminders/asked.json", b"damaged")
    assert due(ledger, 3, NOW) is not None


def test_nobody_is_reminded_of_what_has_its_answers(ledger: Ledger) -> None:
    proposal = propose(ledger, 1, days_ago=5)
    record_answer(ledger, proposal, "ann", "r", approve=False)
    assert due(ledger, 3, NOW) is None
    proposal = propose(ledger, 2, days_ago=5)
    for person in ("ann", "ben"):
        record_answer(ledger, proposal, person, "r", approve=True)
    assert due(ledger, 3, NOW) is None


def test_only_a_recipe_that_wants_reminders_has_the_dag(tmp_path: Path) -> None:
    folder = Settings(state=tmp_path).recipe_folders[-1]
    folder.mkdir(parents=True)
    (folder / "asked.yaml").write_text(RECIPE)
    (folder / "silent.yaml").write_text(RECIPE.replace("asked", "silent").replace(", remind_days: 3", ""))
    assert list(remind_dags(Settings(state=tmp_path)).dags) == ["asked.remind"]
