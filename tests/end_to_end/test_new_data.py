"""New data in a real Airflow: a new file starts the training by itself; without one nothing happens, and the watch stays green."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from fixtures.commands import until
from fixtures.receiver import http_receiver
from fixtures.smallest import WORDS
from fixtures.stack import running_stack

from pipeline.artifacts import open_store
from pipeline.doctor.run_check import run_check
from pipeline.runs.names import TRAINING_POOL
from pipeline.runs.source_watch import Announced, watch_key
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.receiver import Receiver
    from fixtures.stack import RunningStack

pytestmark = pytest.mark.timeout(600)  # a whole stack comes up first, and a line runs through it

NAME = "watched"
WATCH = f"{NAME}.watch"
SOURCE = f"x-trainshed://{NAME}/source"
RECIPE = """\
name: watched
description: A folder that grows.
schedule: {{new_data: {{every: "@yearly"}}}}
notify: {{via: [webhook], late_after_h: 0.001}}
data:
  source: {{kind: jsonl, path: {folder}, columns: {{text: body, target: summary}}}}
  split: {{salt: watched, test: 0.2, validation: 0.1}}
tokenizer: {{vocabulary: 400, sentinels: 10}}
model: {{family: t5, config: {{d_model: 16, d_kv: 8, d_ff: 32, num_layers: 1, num_heads: 2}}, context: 32}}
task: {{kind: summarization, max_source_tokens: 28, max_target_tokens: 12}}
finetuning: {{steps: 2, batch: 4, checkpoint_every: 2, evaluate_every: 2}}
evaluation: {{examples: 5, resamples: 100}}
registration: {{model: watched-summarizer, gate: {{min_examples: 5}}}}
"""
ENDED = {"success", "failed"}


def add_file(folder: Path, number: int) -> None:
    rows = [
        {"body": f"Takes the {word} number {number}{i} and returns it to its owner.", "summary": f"Return {word} {number}{i}."}
        for i in range(20)
        for word in WORDS
    ]
    (folder / f"part-{number}.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The server that receives the messages."""
    with http_receiver() as kept:
        yield kept


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[RunningStack]:
    """A stack with one slot for trainings."""
    with running_stack(tmp_path_factory.mktemp("stack"), training_slots=1, notify_webhook=receiver.url) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source, with one file."""
    made = tmp_path_factory.mktemp("source")
    add_file(made, 1)
    return made


@pytest.fixture(scope="module")
def airflow(stack, folder, tmp_path_factory) -> Airflow:
    """Airflow with the recipe's two DAGs."""
    path = tmp_path_factory.mktemp("handed-in") / f"{NAME}.yaml"
    path.write_text(RECIPE.format(folder=folder))
    client = Airflow(stack.settings)
    wait_for_dag(client, submit_recipe(path, stack.settings))
    until("the watch's DAG", lambda: client.dag(WATCH))
    return client


@pytest.fixture(scope="module")
def look(airflow: Airflow) -> Callable[[], str]:
    """Runs the watch once, as its cron expression would; its log."""
    numbers = itertools.count()

    def run() -> str:
        run_id = f"{WATCH}-{next(numbers)}"
        airflow.trigger(WATCH, run_id, {})
        assert until(f"the end of {run_id}", lambda: ended(airflow, WATCH, run_id)) == "success"
        return "\n".join(airflow.log(WATCH, run_id, "look", 1))

    return run


def ended(airflow: Airflow, dag: str, run_id: str) -> str:
    """The state of a run that has ended; empty until then."""
    state = airflow.run(dag, run_id).state
    return state if state in ENDED else ""


def training(airflow: Airflow, count: int) -> str:
    """The newest of so many runs of the recipe, after its end."""
    until(f"run {count} of {NAME}", lambda: len(airflow.runs(NAME)) == count)
    newest = airflow.runs(NAME)[0].id
    assert until(f"the end of {newest}", lambda: ended(airflow, NAME, newest)) == "success"
    return newest


def events(airflow: Airflow) -> list[dict]:
    return [event for event in airflow._pages("assets/events", "asset_events", {}) if event["uri"] == SOURCE]


def executed(airflow: Airflow, run_id: str) -> set[str]:
    return {task.id for task in airflow.tasks(NAME, run_id).values() if task.attempt and task.state == "success"}


def test_the_watch_runs_on_its_cron_expression_and_its_first_look_starts_a_training(airflow, stack):
    """A DAG that is switched on runs at once for the last time that it missed."""
    (scheduled,) = until("the first look", lambda: airflow.runs(WATCH))
    assert scheduled.id.startswith("scheduled__")
    run_id = training(airflow, 1)
    assert airflow.run(WATCH, scheduled.id).state == "success"
    assert run_id.startswith("asset_triggered__")
    assert "registration" in executed(airflow, run_id)
    record = Announced.model_validate_json(open_store(stack.settings).get(watch_key(NAME)).data)
    assert record.run.startswith(f"{NAME}-asset_triggered__")
    assert [event["extra"]["digest"] for event in events(airflow)] == [record.digest]


def test_people_are_told_of_a_late_run_and_of_its_end(airflow, receiver):
    run = f"{NAME}-{airflow.runs(NAME)[0].id}".replace(":", "-").replace("+", "-")
    told = until("both messages", lambda: len(receiver.bodies) > 1 and receiver.bodies[:])
    assert {(body["event"], body["run"]) for body in told} == {("late", run), ("refused", run)}
    assert next(body["detail"] for body in told if body["event"] == "refused").startswith("version 1: ")


def test_only_training_takes_a_slot_of_the_pool(airflow, stack):
    assert airflow.pool_slots(TRAINING_POOL) == 1
    newest = airflow.runs(NAME)[0].id
    rows = airflow._pages(f"dags/{NAME}/dagRuns/{newest}/taskInstances", "task_instances", {})
    assert {row["task_id"] for row in rows if row["pool"] == TRAINING_POOL} == {"finetuning"}
    settings = stack.settings.model_copy(update={"training_slots": 1})
    assert [finding.got for finding in run_check("airflow", settings) if "pool" in finding.got] == []


def test_without_a_new_file_nothing_starts(airflow, look):
    before = len(airflow.runs(NAME)), len(events(airflow))
    assert "nothing new: 1 files" in look()
    assert (len(airflow.runs(NAME)), len(events(airflow))) == before


def test_a_new_file_starts_a_training_that_reads_it(airflow, look, folder):
    add_file(folder, 2)
    assert "new data: 2 files" in look()
    assert executed(airflow, training(airflow, 2)) >= {"plan", "ingestion", "finetuning", "registration"}


def test_a_lost_event_is_sent_again_and_unchanged_data_is_a_plan_and_nothing_more(airflow, look, stack):
    store = open_store(stack.settings)
    record = Announced.model_validate_json(store.get(watch_key(NAME)).data)
    store.put(watch_key(NAME), record.model_copy(update={"run": None}).model_dump_json().encode())
    assert "new data: 2 files" in look()
    assert executed(airflow, training(airflow, 3)) == {"plan"}
    assert "nothing new" in look()


def test_a_missing_source_is_one_red_line_of_the_watch_and_starts_nothing(airflow, folder):
    hidden = folder.rename(folder.with_name("moved"))
    airflow.trigger(WATCH, f"{WATCH}-missing", {})
    assert until("the end of the watch", lambda: ended(airflow, WATCH, f"{WATCH}-missing")) == "failed"
    hidden.rename(folder)
    assert f"look: data.source.path '{folder}' finds no jsonl file; expected" in "\n".join(
        airflow.log(WATCH, f"{WATCH}-missing", "look", 1)
    )
    assert len(airflow.runs(NAME)) == 3
