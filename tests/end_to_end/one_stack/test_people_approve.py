"""People and promotion through a real Airflow: two of them approve, the starter and forged answers count for nothing, a void proposal ends."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fixtures.commands import trainshed, until
from fixtures.smallest import CHECKS, WORKERS
from pydantic import SecretStr

from pipeline.artifacts import open_store
from pipeline.errors import BadInput
from pipeline.registry.answers import read_answers
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import LedgerEntry, Outcome
from pipeline.registry.versions import read_aliases
from pipeline.runs.names import new_run_name
from pipeline.stack.airflow_config import PASSWORDS
from pipeline.submission.airflow_client import WAITING, Airflow, Question
from pipeline.submission.submit import submit_recipe, wait_for_dag
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

pytestmark = pytest.mark.timeout(900)  # a stack, a training, and four runs of the other line

NAME, MODEL, DAG = "approved", "approved-summarizer", "approved.promote"
GATE = "gate: {min_examples: 5, min_groups: 1, min_distinct: 0, beats: [], threshold: 0}"
APPROVAL = "approval: {people: 2, from: [trainer, approver1, approver2]}"


def user(stack: RunningStack, name: str) -> Airflow:
    """Airflow as one of the users of the local stack."""
    passwords = json.loads((stack.settings.state / PASSWORDS).read_bytes())
    return Airflow(stack.settings.model_copy(update={"airflow_username": name, "airflow_password": SecretStr(passwords[name])}))


def ledger(stack: RunningStack) -> Ledger:
    return Ledger(open_store(stack.settings), MODEL)


def asked(stack: RunningStack, task: str) -> Question:
    """The question of a task, once a person can answer it."""

    def found() -> Question | None:
        return next((each for each in Airflow(stack.settings).questions(DAG) if each.task == task), None)

    return until(f"{task} to ask", found)


def ended(stack: RunningStack, dag: str, run: str) -> str:
    """The state of a run after its end."""
    airflow = Airflow(stack.settings)
    until(f"the end of {run}", lambda: airflow.run(dag, run).state in {"success", "failed"})
    return airflow.run(dag, run).state


def settled(stack: RunningStack, run: str, person: str) -> str:
    """The state of a run after its end, while a person approves whatever it asks: Airflow may lose an early answer, and asks again."""
    airflow, own = Airflow(stack.settings), user(stack, person)

    def over() -> bool:
        for question in airflow.questions(DAG):
            if question.run == run:
                with suppress(BadInput):  # answered in between
                    own.answer(question, "Approve", {"reason": ""})
        return airflow.run(DAG, run).state in {"success", "failed"}

    until(f"the end of {run}", over)
    return airflow.run(DAG, run).state


@pytest.fixture(scope="module")
def proposed(stack: RunningStack, recipe: Path) -> LedgerEntry:
    """The proposal of a run that ``trainer`` started."""
    text = recipe.read_text()
    assert "gate: {min_examples: 5}" in text
    file = recipe.with_name("approved.yaml")
    text = text.replace(CHECKS, "").replace(WORKERS, "")
    # a corpus, a model and a ledger of its own: other files run the smallest recipe on the same stack
    text = (
        text.replace("name: smallest\n", f"name: {NAME}\n").replace("salt: smallest", f"salt: {NAME}").replace("smallest-summarizer", MODEL)
    )
    file.write_text(text.replace("gate: {min_examples: 5}", f"{GATE}, {APPROVAL}"))
    wait_for_dag(Airflow(stack.settings), submit_recipe(file, stack.settings))
    run = new_run_name(NAME)
    user(stack, "trainer").trigger(NAME, run, {})
    assert ended(stack, NAME, run) == "success"
    head = ledger(stack).head()
    assert head is not None
    return head


def test_a_model_that_passed_the_gate_waits_and_does_not_serve(stack: RunningStack, proposed: LedgerEntry) -> None:
    assert (proposed.decision, proposed.serves, proposed.started_by) == (Outcome.PROPOSED, False, ("trainer",))
    assert proposed.approval is not None
    assert proposed.approval.approvers == ("trainer", "approver1", "approver2")
    assert read_aliases(MlflowServer(stack.settings), MODEL) == {"challenger": 1}
    question = asked(stack, "approval_1")
    assert question.people == ("approver1", "approver2"), "the run of the other line started by itself"
    for name in ("trainer", "admin", "viewer"):
        with pytest.raises(BadInput, match=r"permission denied|is not a respondent"):
            user(stack, name).answer(question, "Approve", {"reason": ""})
    assert read_answers(ledger(stack), proposed) == ()


def test_a_task_that_is_marked_as_successful_approves_nothing(stack: RunningStack, proposed: LedgerEntry) -> None:
    question = asked(stack, "approval_1")
    place = f"dags/{DAG}/dagRuns/{question.run}/taskInstances"
    forger = user(stack, "trainer")
    for task in ("approval_1", "approval_2"):
        forger._call("PATCH", f"{place}/{task}", {"new_state": "success"})
        forger._call("POST", f"{place}/{task}/xcomEntries", {"key": "return_value", "value": {"person": "approver1"}}, frozenset({409}))

    def over() -> bool:
        """Airflow may take a state back that comes while a task begins to wait: the forger marks it again."""
        for task in forger.tasks(DAG, question.run).values():
            if task.id.startswith("approval") and task.state in WAITING:
                forger._call("PATCH", f"{place}/{task.id}", {"new_state": "success"}, frozenset({409}))
        return forger.run(DAG, question.run).state in {"success", "failed"}

    until("the end of the run", over, pause_s=1.0)
    assert forger.run(DAG, question.run).state == "failed"
    log = "\n".join(Airflow(stack.settings).log(DAG, question.run, "promotion", 1))
    assert f"proposal {proposed.number} of {MODEL} has 0 of 2 approvals in the ledger" in log
    assert ledger(stack).head() == proposed
    assert "champion" not in read_aliases(MlflowServer(stack.settings), MODEL)


def test_two_people_approve_and_the_model_is_champion(stack: RunningStack, proposed: LedgerEntry) -> None:
    again = new_run_name(NAME)
    Airflow(stack.settings).trigger(DAG, again, {})
    assert asked(stack, "approval_1").run == again
    out = trainshed(stack, "approve", NAME, "--as", "approver1", "--reason", "reads well").stdout
    assert out == f"approver1 approved version 1 of {MODEL} (proposal {proposed.number}): 1 of 2; 1 more to go\n"
    assert asked(stack, "approval_2").people == ("approver2",)
    refused = trainshed(stack, "approve", NAME, "--as", "approver1", code=2).stderr
    assert refused.startswith("trainshed: ")
    out = trainshed(stack, "approve", NAME, "--as", "approver2").stdout
    assert out.endswith(": 2 of 2; it is promoted next\n")
    assert ended(stack, DAG, again) == "success"
    champion = ledger(stack).champion()
    assert champion is not None
    assert (champion.about, champion.approved_by, champion.person) == (proposed.number, ("approver1", "approver2"), None)
    assert read_aliases(MlflowServer(stack.settings), MODEL) == {"challenger": 1, "champion": 1}
    assert [answer.reason for answer in read_answers(ledger(stack), proposed)] == ["reads well", ""]
    events = Airflow(stack.settings)._pages("assets/events", "asset_events", {})
    assert f"x-trainshed://{NAME}/promotion" in {event["uri"] for event in events if event["source_run_id"] == again}


def test_with_nothing_to_approve_the_line_ends_at_once(stack: RunningStack, proposed: LedgerEntry) -> None:
    run = new_run_name(NAME)
    Airflow(stack.settings).trigger(DAG, run, {})
    assert ended(stack, DAG, run) == "success"
    tasks = Airflow(stack.settings).tasks(DAG, run)
    assert {task.id: task.state for task in tasks.values()} == {
        "plan": "success",
        "approval_1": "skipped",
        "approval_2": "skipped",
        "promotion": "skipped",
    }
    assert "promotion" in trainshed(stack, "watch", run).stdout
    told = trainshed(stack, "approve", NAME, "--as", "approver1", code=2).stderr
    assert told.startswith(f"trainshed: no proposal of {MODEL} waits; ")


def append(stack: RunningStack, **fields: object) -> LedgerEntry:
    """Add an entry about the champion's model."""
    book = ledger(stack)
    head, champion = book.head(), book.champion()
    assert head is not None
    assert champion is not None
    kept = {"challenger": champion.challenger, "against": champion.number, "time": head.time, "run": "by hand", "number": head.number + 1}
    return book.append(LedgerEntry.model_validate({**kept, **fields}))


def test_another_champion_makes_a_waiting_proposal_void_and_the_recipe_runs_again(stack: RunningStack, proposed: LedgerEntry) -> None:
    head = ledger(stack).head()
    assert head is not None
    later = {"time": head.time.replace(year=head.time.year + 1)}  # it does not expire meanwhile
    waiting = append(stack, decision=Outcome.PROPOSED, waiting=head.number + 1, approval=proposed.approval, basis="b" * 64, **later)
    run = new_run_name(NAME)
    airflow = Airflow(stack.settings)
    airflow.trigger(DAG, run, {})
    asked(stack, "approval_1")
    before = {each.id for each in airflow.runs(NAME)}
    append(stack, decision=Outcome.ROLLED_BACK, reasons=("by hand",))
    assert settled(stack, run, "approver1") == "success"
    assert {task.state for task in airflow.tasks(DAG, run).values() if task.id != "plan"} == {"skipped"}
    assert read_answers(ledger(stack), waiting) == (), "a void proposal takes no answer"
    (again,) = until("the recipe to run again", lambda: {each.id for each in airflow.runs(NAME)} - before)
    assert ended(stack, NAME, again) == "success"


def test_one_rejection_ends_a_proposal(stack: RunningStack, proposed: LedgerEntry) -> None:
    head = ledger(stack).head()
    assert head is not None
    later = {"time": head.time.replace(year=head.time.year + 1)}
    waiting = append(stack, decision=Outcome.PROPOSED, waiting=head.number + 1, approval=proposed.approval, basis="c" * 64, **later)
    run = new_run_name(NAME)
    Airflow(stack.settings).trigger(DAG, run, {})
    asked(stack, "approval_1")
    out = trainshed(stack, "approve", NAME, "--as", "approver2", "--reject", "--reason", "too slow").stdout
    assert out == f"approver2 rejected version 1 of {MODEL} (proposal {waiting.number}); the champion stays\n"
    assert ended(stack, DAG, run) == "success"
    last = ledger(stack).head()
    assert last is not None
    assert (last.decision, last.person, last.reasons) == (Outcome.REJECTED, "approver2", ("approver2 rejected it: too slow",))
