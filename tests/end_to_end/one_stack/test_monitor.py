"""The monitor in a real Airflow: what a champion is asked changes, and a retraining starts by itself, once in a cool-down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.commands import trainshed, until
from fixtures.simulated_texts import Language

from pipeline.artifacts import open_store
from pipeline.cli.runs import find_run
from pipeline.monitoring.labelled import NOT_SCORED
from pipeline.monitoring.look import Looks
from pipeline.runs.names import run_name
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_dag

if TYPE_CHECKING:
    from fixtures.stack import RunningStack

    from pipeline.monitoring.look import Look

pytestmark = pytest.mark.timeout(600)  # a whole stack comes up first, and a line runs through it

NAME = "drifting"
MODEL = "drifting-summarizer"
MONITOR = f"{NAME}.monitor"
ASSET = f"x-trainshed://{NAME}/drift"
RECIPE = """\
name: drifting
description: A model that is watched.
schedule: {{assets: {{any: [drifting/drift]}}}}
data:
  source: {{kind: jsonl, path: {data}, columns: {{text: body, target: summary}}}}
  split: {{salt: drifting, test: 0.2, validation: 0.1}}
tokenizer: {{vocabulary: 400, sentinels: 10}}
model: {{family: t5, config: {{d_model: 16, d_kv: 8, d_ff: 32, num_layers: 1, num_heads: 2}}, context: 32}}
task: {{kind: summarization, max_source_tokens: 28, max_target_tokens: 12}}
finetuning: {{steps: 2, batch: 4, checkpoint_every: 2, evaluate_every: 2}}
evaluation: {{examples: 5, resamples: 100}}
registration: {{model: drifting-summarizer, gate: {{min_examples: 5, min_groups: 1, beats: [], min_distinct: 0}}}}
monitor: {{every: weekly, drift: {{}}, cool_down_days: 3}}
"""
ENDED = {"success", "failed"}


@pytest.fixture(scope="module")
def airflow(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Airflow with the recipe's two DAGs, and its first champion."""
    folder = tmp_path_factory.mktemp("handed-in")
    rows = [{"body": f"Takes {text}.", "summary": f"Return {text[:20]} now."} for text in Language(1).texts(500, 0)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = folder / f"{NAME}.yaml"
    path.write_text(RECIPE.format(data=folder / "rows.jsonl"))
    client = Airflow(stack.settings)
    wait_for_dag(client, submit_recipe(path, stack.settings))
    until("the monitor's DAG", lambda: client.dag(MONITOR))
    trainshed(stack, "run", NAME, "--local")  # in less time than through Airflow; the champion is the same
    return client


def ended(airflow: Airflow, dag: str, run_id: str) -> str:
    """The state of a run that has ended; empty until then."""
    state = airflow.run(dag, run_id).state
    return state if state in ENDED else ""


def serve(stack: RunningStack, language: Language, seed: int) -> None:
    """Write texts as a serving process logs them."""
    lines = "\n".join(json.dumps({"text": f"Takes {text}."}) for text in language.texts(150, seed))
    open_store(stack.settings).put(f"served/{MODEL}/2026-01-01/{seed:06d}-a-1.jsonl", lines.encode())


def look(airflow: Airflow, stack: RunningStack, run_id: str) -> Look:
    """Run the monitor's DAG once; its record."""
    airflow.trigger(MONITOR, run_id, {})
    assert until(f"the end of {run_id}", lambda: ended(airflow, MONITOR, run_id)) == "success"
    return next(one for one in Looks(open_store(stack.settings), MODEL).newest(20) if one.run == run_id)


def events(airflow: Airflow) -> list[dict]:
    return [event for event in airflow._pages("assets/events", "asset_events", {}) if event["uri"] == ASSET]


def test_unchanged_texts_start_nothing(airflow: Airflow, stack: RunningStack) -> None:
    serve(stack, Language(1), 1)
    found = look(airflow, stack, f"{MONITOR}-1")
    assert [(check.name, check.crossed) for check in found.checks] == [("drift", False), ("alias", False)]
    assert (found.texts, events(airflow), len(airflow.runs(NAME))) == (150, [], 0)


def test_other_texts_start_a_retraining_by_themselves(airflow: Airflow, stack: RunningStack) -> None:
    serve(stack, Language(2), 2)
    assert look(airflow, stack, f"{MONITOR}-2").event
    until("the retraining", lambda: len(airflow.runs(NAME)) == 1)
    newest = airflow.runs(NAME)[0].id
    assert newest.startswith("asset_triggered__")
    assert until("its end", lambda: ended(airflow, NAME, newest)) == "success"
    assert [event["extra"] for event in events(airflow)] == [{"run": f"{MONITOR}-2", "crossed": ["drift"]}]


def test_within_the_cool_down_none_is_asked_for_again(airflow: Airflow, stack: RunningStack) -> None:
    serve(stack, Language(2), 3)
    found = look(airflow, stack, f"{MONITOR}-3")
    assert (found.event, found.held_back_until is None) == (False, False)
    assert "cool-down" in "\n".join(airflow.log(MONITOR, f"{MONITOR}-3", "look", 1))
    assert (len(events(airflow)), len(airflow.runs(NAME))) == (1, 1)


def test_the_command_shows_what_was_found(airflow: Airflow, stack: RunningStack) -> None:
    said = trainshed(stack, "monitor", NAME).stdout
    assert f"{MODEL}: within all limits" in said
    assert "0 new texts, 100 are needed" in said
    page = Path(said.rpartition("page ")[2].strip()).read_text()
    assert page.count("drift beyond the limit") == 2


LABELLED = "labelled"
SCORED = f"{LABELLED}.monitor"


def task_states(airflow: Airflow, run_id: str) -> dict[str, str]:
    return {name: task.state for name, task in airflow.tasks(SCORED, run_id).items()}


def score(airflow: Airflow, stack: RunningStack, number: int) -> tuple[str, Look]:
    """Run the DAG that scores once: how it ended, and its record."""
    run_id = f"{SCORED}-{number}"
    airflow.trigger(SCORED, run_id, {})
    state = until(f"the end of {run_id}", lambda: ended(airflow, SCORED, run_id))
    return state, next(one for one in Looks(open_store(stack.settings), f"{LABELLED}-model").newest(20) if one.run == run_id)


@pytest.mark.prove
def test_a_champion_that_answers_badly_is_retrained_and_the_look_does_not_wait_for_the_data(
    airflow: Airflow, stack: RunningStack, tmp_path: Path
) -> None:
    learned = [{"body": f"Takes {text}.", "summary": f"Return {text[:20]} now."} for text in Language(1).texts(200, 0)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, learned)))
    rows = [{"body": f"Takes {text}.", "summary": f"Return {text[:20]} now."} for text in Language(1).texts(40, 9)]
    fresh = tmp_path / "fresh.jsonl"
    fresh.write_text("\n".join(map(json.dumps, rows)))
    path = tmp_path / f"{LABELLED}.yaml"
    source = f"{{kind: jsonl, path: {fresh}, columns: {{text: body, target: summary}}}}"
    text = RECIPE.format(data=tmp_path / "rows.jsonl").replace("drifting-summarizer", f"{LABELLED}-model").replace("drifting", LABELLED)
    text = text.replace("examples: 5", "examples: 30").replace("drift: {}", f"labelled: {{source: {source}, threshold: 90, least: 20}}")
    path.write_text(text)
    wait_for_dag(airflow, submit_recipe(path, stack.settings))
    until("the monitor's DAG", lambda: airflow.dag(SCORED))
    trainshed(stack, "run", LABELLED)

    state, found = score(airflow, stack, 1)
    assert state == "success"
    assert task_states(airflow, f"{SCORED}-1") == dict.fromkeys(("plan", "ingestion", "evaluation", "look", "end"), "success")
    assert [(check.name, check.crossed) for check in found.checks] == [("score", True), ("alias", False)]
    assert "rougeL" in found.checks[0].says
    assert found.event
    until("the retraining", lambda: len(airflow.runs(LABELLED)) == 2)

    # unchanged data is not scored again, and the look is made all the same
    newest = airflow.runs(LABELLED)[0].id
    until("its end", lambda: ended(airflow, LABELLED, newest))
    state, again = score(airflow, stack, 2)
    states = task_states(airflow, f"{SCORED}-2")
    assert (state, states["ingestion"], states["evaluation"], states["look"]) == ("success", "skipped", "skipped", "success")
    assert (again.report, again.event) == (found.report, False)

    # a source that is gone fails the run, but not the look
    fresh.unlink()
    state, blind = score(airflow, stack, 3)
    states = task_states(airflow, f"{SCORED}-3")
    assert (state, states["plan"], states["look"]) == ("failed", "failed", "success")
    assert (blind.checks[0].name, blind.checks[0].says) == ("score", NOT_SCORED)
    assert "fresh.jsonl" in "\n".join(airflow.log(SCORED, f"{SCORED}-3", "plan", 1))


def test_a_run_is_found_however_many_came_after_it(airflow: Airflow, stack: RunningStack) -> None:
    """By its name and by Airflow's id; a paused DAG starts none of the many."""
    airflow._call("PATCH", f"dags/{MONITOR}", {"is_paused": True})
    ours, airflows = f"{MONITOR}-found", "manual__2026-01-01T00:00:00.000000+00:00_aBcD1234"
    runs = [ours, airflows, *(f"{MONITOR}-many-{number}" for number in range(101))]
    try:
        for run_id in runs:
            airflow.trigger(MONITOR, run_id, {})
        assert {ours, airflows}.isdisjoint(run.id for run in airflow.runs())
        for name, run_id in ((ours, ours), (airflows, airflows), (run_name(MONITOR, airflows), airflows)):
            found = find_run(airflow, name)
            assert (found.dag, found.id) == (MONITOR, run_id)
        said = trainshed(stack, "watch", f"{ours}x", code=2)
        assert f"unknown run '{ours}x'" in said.stderr
    finally:
        for run_id in runs:
            airflow._call("PATCH", f"dags/{MONITOR}/dagRuns/{run_id.replace('+', '%2B')}", {"state": "failed"})
        airflow._call("PATCH", f"dags/{MONITOR}", {"is_paused": False})
