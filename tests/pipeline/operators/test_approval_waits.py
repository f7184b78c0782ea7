"""A task that waits for a person looks again: it goes on waiting, or ends because nobody has to answer any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.artifacts.types import ArtifactType
from pipeline.operators.approval import LOOK_EVERY, ApprovalOperator
from pipeline.planning.plan import Plan
from pipeline.recipe.gate import Approval
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.runs.records import plan_key
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

RUN = "asked.promote-20260101-000000-abcd"
TIMEOUT = {"error": "The response timeout has passed.", "error_type": "timeout"}
MODEL = Reference(type=ArtifactType.MODEL, stage="finetuning", fingerprint="f" * 64, digest="d" * 64)
APPROVAL = Approval(people=1, approvers=("ann", "ben"), expires_days=2)
TWO = Approval(people=2, approvers=("ann", "ben"), expires_days=2)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with proposal 1, about which a run asks."""
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TRAINSHED_STORE", f"file://{tmp_path}/store")
    found = Ledger(open_store(Settings(store=f"file://{tmp_path}/store")), "asked")
    found.store.put(plan_key(RUN), Plan(run=RUN, recipe="asked", line="promote", proposal=1, steps=()).model_dump_json().encode())
    return found


def append(ledger: Ledger, number: int, decision: Outcome = Outcome.PROPOSED, days_ago: float = 0.0, **fields: Any) -> LedgerEntry:
    fields = ({"waiting": number, "approval": APPROVAL} if decision is Outcome.PROPOSED else {}) | fields
    return ledger.append(
        LedgerEntry(
            number=number,
            decision=decision,
            challenger=Candidate(version=number, model=MODEL),
            basis=f"basis {number}",
            time=datetime.now(UTC) - timedelta(days=days_ago),
            run="asked-20260101-000000-abcd",
            **fields,
        )
    )


def task(number: int = 1) -> tuple[ApprovalOperator, dict[str, Any]]:
    """The task that waits for an answer, and Airflow's context."""
    name = f"approval_{number}"
    context = {"dag": SimpleNamespace(dag_id="asked.promote"), "run_id": RUN, "ti": SimpleNamespace(task_id=name)}
    return ApprovalOperator(task_id=name, model="asked", number=number), context


def look_again() -> dict[str, str]:
    """What Airflow does when the time of a wait is over and nobody has answered."""
    operator, context = task()
    return operator.execute_complete(context, TIMEOUT)


def test_it_waits_on_while_the_proposal_waits(ledger: Ledger) -> None:
    append(ledger, 1)
    with pytest.raises(TaskAwaitingInput) as waits:
        look_again()
    assert (waits.value.method_name, waits.value.timeout) == ("execute_complete", LOOK_EVERY)


def test_the_last_wait_ends_with_the_proposal(ledger: Ledger) -> None:
    append(ledger, 1, days_ago=2 - 1 / 48)
    with pytest.raises(TaskAwaitingInput) as waits:
        look_again()
    assert timedelta(minutes=29) < waits.value.timeout <= timedelta(minutes=30)


def test_it_ends_when_the_proposal_has_expired(ledger: Ledger) -> None:
    append(ledger, 1, days_ago=2.1)
    with pytest.raises(AirflowSkipException, match="nobody answered in time"):
        look_again()


def test_it_ends_when_a_newer_proposal_takes_the_place(ledger: Ledger) -> None:
    append(ledger, 1)
    append(ledger, 2)
    with pytest.raises(AirflowSkipException, match="a newer proposal took its place"):
        look_again()


def test_it_ends_when_the_champion_has_changed(ledger: Ledger) -> None:
    append(ledger, 1)
    append(ledger, 2, Outcome.PROMOTED)
    with pytest.raises(AirflowSkipException, match="champion"):
        look_again()


def test_it_ends_when_the_person_answered_elsewhere(ledger: Ledger) -> None:
    proposal = append(ledger, 1)
    record_answer(ledger, proposal, "ann", "another-run", approve=True)
    assert look_again() == {"person": "ann"}


def test_a_task_that_starts_again_after_its_answer_asks_nobody(ledger: Ledger) -> None:
    proposal = append(ledger, 1, approval=TWO)
    record_answer(ledger, proposal, "ann", RUN, approve=True)
    first, context = task(1)
    assert first.execute(context) == {"person": "ann"}
    record_answer(ledger, proposal, "ben", RUN, approve=True)
    second, context = task(2)
    assert second.execute(context) == {"person": "ben"}


def test_nobody_is_asked_after_a_rejection(ledger: Ledger) -> None:
    proposal = append(ledger, 1, approval=TWO)
    record_answer(ledger, proposal, "ann", RUN, approve=False)
    for number in (1, 2):
        again, context = task(number)
        with pytest.raises(AirflowSkipException, match="the proposal has its answers"):
            again.execute(context)
