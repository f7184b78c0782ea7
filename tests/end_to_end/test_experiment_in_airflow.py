"""An experiment through a real Airflow: trials that fail and that do not fit, halving, a killed scheduler, and a winner that is registered."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest
from fixtures.commands import started, trainshed, until, written
from fixtures.line import small_recipe

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.sealed import read_record
from pipeline.experiments.records import Outcome, StudyRecords
from pipeline.experiments.schedule import next_round
from pipeline.planning.plan import Plan
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger
from pipeline.runs.names import run_name
from pipeline.runs.records import plan_key
from pipeline.stack import stack as local_stack
from pipeline.submission.airflow_client import Airflow

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

pytestmark = pytest.mark.timeout(900)  # a stack, a dozen tasks, and a run of the recipe

NAME = "searching"
DAG = f"{NAME}.experiment"
SEARCH = {"finetuning.learning_rate": {"values": [0.003, 0.01, 1e30]}, "finetuning.warmup": {"values": [0.05, 0.9]}}


@pytest.mark.prove
def test_a_study_in_airflow(stack: RunningStack, tmp_path: Path) -> None:
    experiment = {"search": SEARCH, "method": "grid", "at_once": 2, "halving": {"rungs": [2], "keep": 0.5}}
    recipe = replace_fields(small_recipe(tmp_path), {"name": NAME, "registration.model": NAME, "experiment": experiment}, "a test")
    watching = started(stack, "experiment", written(recipe, tmp_path), "--register")
    assert watching.stdout is not None
    first = watching.stdout.readline()
    assert first, watching.communicate()[1]
    study = first.split()[0]
    artifacts, airflow = open_artifacts(stack.settings), Airflow(stack.settings)
    # the scheduler dies in the middle of the first round
    until("a trial to end", lambda: [tell for tell in StudyRecords(artifacts.store, study).tells().values() if tell.value is not None])
    asked = StudyRecords(artifacts.store, study).asks()
    psutil.Process(next(one.pid for one in local_stack.status(stack.settings) if one.name == "airflow-scheduler")).kill()
    trainshed(stack, "up")
    out, err = watching.communicate(timeout=600)
    assert watching.returncode == 0, out + err
    records = StudyRecords(artifacts.store, study)
    asks, tells, closed = records.asks(), records.tells(), records.closed()
    assert closed is not None
    # the suggestions are those of the recipe, and of what came of the first round
    assert asked == dict(enumerate(next_round(recipe, {}, {})))
    assert {number: asks[number] for number in asked} == asked
    # 0 and 2 are good, 4 diverges, and the others do not fit the decay; both good ones train on
    assert {number for number, tell in tells.items() if tell.outcome is Outcome.COMPLETE} == {0, 2, 6, 7}
    assert "diverged" in tells[4].reason
    assert tells[4].lost is not None
    assert all("add up to more than 1" in tells[number].reason for number in (1, 3, 5))
    assert [tells[number].steps for number in (0, 2, 6, 7)] == [2, 2, 4, 4]
    # the steps that all trials share ran once, and every training once
    run = airflow.run(DAG, study)
    tasks = airflow.tasks(DAG, run.id)
    assert tasks["finetuning_1[2]"].state == "failed", "the trial that diverged is red"
    assert Counter(task.id for task in tasks.values() if task.map_index >= 0) == {"finetuning_1": 3, "finetuning_2": 2}
    made = {"ingestion": 1, "tokenization": 1, "pretraining": 1, "finetuning": 4}
    assert Counter(one.stage for one in artifacts.manifests() if one.provenance.run.startswith(study)) == made
    assert Counter(ran.artifact.stage for tell in tells.values() for ran in tell.ran) == made
    assert re.search(rf"Best: trial {closed.best}, ", out)
    # the best one is tested and registered by a run of the recipe, which trains nothing
    winner = until("the run of the winner", lambda: airflow.runs(NAME))[0]
    until("its end", lambda: airflow.run(NAME, winner.id).state in {"success", "failed"})
    states = {name: task.state for name, task in airflow.tasks(NAME, winner.id).items()}
    assert states["finetuning"] == "skipped"
    assert (states["evaluation"], states["registration"]) == ("success", "success")
    head = Ledger(artifacts.store, NAME).head()
    assert head is not None
    best = next(tell for number, tell in tells.items() if asks[number].rung == 1 and tell.trial == closed.best)
    assert head.challenger.model == best.model
    plan = read_record(artifacts.store, plan_key(run_name(NAME, winner.id)), Plan.model_validate_json)
    assert plan.started_by == "admin", "who began the experiment may not approve its winner"
    # the same experiment again finds every trial in the store
    again = trainshed(stack, "experiment", NAME).stdout.split()[0]
    states = {task.name: task.state for task in airflow.tasks(DAG, again).values() if task.id.startswith("finetuning")}
    assert states == {"finetuning_1[0]": "failed", "finetuning_2": "skipped"}, "only the trial that diverges has no artifact"
    other = StudyRecords(artifacts.store, again).closed()
    assert other is not None
    assert (other.best, other.value) == (closed.best, closed.value)
    for wrong, words in (
        (("--resume", study, "--register"), "--register with --resume"),
        (("--resume", run_name(NAME, winner.id)), f"is no experiment of {NAME}, but a run of {NAME}"),
    ):
        (said,) = trainshed(stack, "experiment", NAME, *wrong, code=2).stderr.splitlines()
        assert words in said
