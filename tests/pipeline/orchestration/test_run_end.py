"""What people are told about the end of a run: the ledger's outcome of this run, or the failure that a task recorded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fixtures.line import small_recipe

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.orchestration.run_end import end_of_run
from pipeline.recipe.notify import Event
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.runs.records import Failure, failure_key
from pipeline.settings import Settings

MODEL = Reference(type="model", stage="finetuning", fingerprint="f", digest="d")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(store=f"file://{tmp_path}/store")


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (Outcome.PROMOTED, Event.PROMOTED),
        (Outcome.PROPOSED, Event.WAITING),
        (Outcome.REFUSED, Event.REFUSED),
        (Outcome.REJECTED, Event.REFUSED),
        (Outcome.EXPIRED, Event.REFUSED),
    ],
)
def test_a_run_that_decided_says_what(tmp_path, settings: Settings, outcome: Outcome, event: Event) -> None:
    candidate = Candidate(version=7, model=MODEL)
    entry = LedgerEntry(number=1, decision=outcome, challenger=candidate, reasons=("a", "b"), time=datetime.now(UTC), run="r")
    Ledger(open_store(settings), "small").append(entry)
    recipe = small_recipe(tmp_path)
    assert end_of_run(recipe, "r", ["plan"], settings, succeeded=True) == (event, "version 7: a; b")
    assert end_of_run(recipe, "another", ["plan"], settings, succeeded=True) == (Event.FINISHED, "nothing to decide")


def test_a_failed_run_says_the_first_failure_in_the_order_of_its_tasks(tmp_path, settings: Settings) -> None:
    store = open_store(settings)
    for task in ("registration", "finetuning"):
        store.put(failure_key("r", task), Failure(exit_code=2, message=f"{task}: no").model_dump_json().encode())
    recipe = small_recipe(tmp_path)
    assert end_of_run(recipe, "r", ["plan", "finetuning", "registration"], settings, succeeded=False) == (Event.FAILED, "finetuning: no")
    assert end_of_run(recipe, "other", ["plan"], settings, succeeded=False) == (Event.FAILED, "")


def test_without_a_store_the_event_is_still_told(tmp_path) -> None:
    away = Settings(store="s3://nowhere/here", s3_endpoint="http://127.0.0.1:9", s3_access_key="a", s3_secret_key="b", s3_retry_s=0.0)
    event, detail = end_of_run(small_recipe(tmp_path), "r", ["plan"], away, succeeded=False)
    assert event is Event.FAILED
    assert detail.startswith("the store cannot say more: ")
