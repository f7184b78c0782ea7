"""Experiments on this machine: trials that fail, halving that continues, a scheduler that is killed, and a winner that can be registered."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml
from fixtures.prestarted import components

from pipeline import cli
from pipeline.errors import BadInput
from pipeline.experiments.records import Ask, Outcome, Pinned, StudyRecords, Tell
from pipeline.experiments.schedule import next_round
from pipeline.experiments.tracking import STUDY_TAG, VALUE
from pipeline.local.experiment import LocalExperiment
from pipeline.planning import plan_run
from pipeline.planning.study import OpenStudy, begin_study
from pipeline.recipe.overrides import replace_fields
from pipeline.runs.records import Failure, failure_key
from pipeline.tracking import MlflowServer
from pipeline.tracking.runs import _experiment_id, _search

if TYPE_CHECKING:
    from fixtures.line import Line

    from pipeline.artifacts.manifest import Manifest
    from pipeline.recipe import Recipe

pytestmark = pytest.mark.timeout(600)  # some ten trainings run

SHARED = ("ingestion", "tokenization", "pretraining")


@dataclass
class Heard:
    """A listener that remembers, and may kill the processes of one trial."""

    kills: int | None = None
    asks: list[Ask] = field(default_factory=list)
    tells: list[Tell] = field(default_factory=list)
    launched: list[tuple[int, str]] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)

    def on_ask(self, ask: Ask) -> None:
        self.asks.append(ask)

    def on_line(self, trial: int, step_id: str, line: str) -> None:
        if line == "running":
            self.launched.append((trial, step_id))
        elif trial == self.kills and step_id == "finetuning":
            for child in components("finetuning"):
                with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                    if child.pid not in self.killed and f"-t{trial:03d}/" in " ".join(child.cmdline()):
                        self.killed.add(child.pid)
                        child.send_signal(signal.SIGKILL)

    def on_tell(self, tell: Tell) -> None:
        self.tells.append(tell)


def with_experiment(line: Line, **experiment: Any) -> Recipe:
    recipe = replace_fields(line.recipe, {"experiment": experiment}, "a test")
    line.recipe = recipe
    return recipe


def finetuned(line: Line, tell: Tell) -> Manifest:
    manifest = line.artifacts.resolve(tell.model)
    assert manifest is not None
    return manifest


def test_a_study_with_trials_that_crash_and_diverge(make_line, capsys) -> None:
    line = make_line()
    recipe = with_experiment(
        line,
        search={"finetuning.learning_rate": {"values": [0.003, 0.01, 1e30]}, "finetuning.warmup": {"values": [0.05, 0.1, 0.9]}},
        method="grid",
        at_once=2,
    )
    heard, study = Heard(kills=1), f"{recipe.name}-study"
    experiment = LocalExperiment(recipe, study, line.settings, heard, {"cpu-small": 1.0, "gpu-1": 3600.0}.get)
    closed = experiment.execute()
    tells = experiment.records.tells()
    # 0 and 1, 3 and 4 have good values, but 1 is killed again and again; 6 and 7 diverge; 2, 5 and 8 do not fit the decay
    assert {number for number, tell in tells.items() if tell.outcome is Outcome.COMPLETE} == {0, 3, 4}
    assert "killed by signal 9" in tells[1].reason
    assert len(heard.killed) == 4
    assert "add up to more than 1" in tells[2].reason
    assert all(word in tells[6].reason for word in ("finetuning", "diverged"))
    assert closed.best in {0, 3, 4}
    assert closed.value == min(tells[number].value for number in (0, 3, 4))
    # what all trials share ran once
    assert Counter(step for _, step in heard.launched) == {**dict.fromkeys(SHARED, 1), "finetuning": 6}
    assert Counter(ran.artifact.stage for tell in tells.values() for ran in tell.ran) == {**dict.fromkeys(SHARED, 1), "finetuning": 3}
    for number in (0, 3, 4):
        (own,) = [ran for ran in tells[number].ran if ran.artifact.stage == "finetuning"]
        assert own.cost == pytest.approx(own.seconds)
        assert own.tokens == finetuned(line, tells[number]).metrics["tokens"] > 0
        assert tells[number].value == finetuned(line, tells[number]).metrics["validation_loss"]
    assert tells[6].lost.step == "finetuning"
    assert tells[6].lost.seconds > 0
    # nothing was evaluated on a test split, nothing registered
    assert not [stat for stat in line.artifacts.store.list("manifests/") if "evaluation" in stat.key or "registration" in stat.key]
    server = MlflowServer(line.settings)
    rows = _search(server, _experiment_id(server, recipe.name), {STUDY_TAG: study})
    values = {row["info"]["run_name"]: {m["key"]: m["value"] for m in row["data"].get("metrics", [])}.get(VALUE) for row in rows}
    assert {name: value for name, value in values.items() if name != study} == {
        f"{study}-t{number:03d}": tell.value for number, tell in tells.items()
    }
    # the same study again does nothing
    again = Heard()
    assert LocalExperiment(recipe, study, line.settings, again, lambda _: 1.0).execute() == closed
    assert (again.asks, again.launched) == ([], [])
    see_what_an_engine_does(line, recipe, tells)
    # the whole line with these values: the model is found, and has the value that the study says
    winner = line.run(experiment.records.asks()[closed.best].values)
    assert winner.launched == ["evaluation", "registration"]
    assert line.manifest("finetuning").metrics["validation_loss"] == closed.value


def see_what_an_engine_does(line: Line, recipe: Recipe, tells: dict[int, Tell]) -> None:
    """Another study with the same artifacts, as an engine with tasks of its own sees it."""
    name = f"{recipe.name}-tasks"
    began = begin_study(recipe, name, line.settings, lambda _: 1.0, "ann")
    assert begin_study(recipe, name, line.settings, lambda _: 1.0, "bob") == began
    study = OpenStudy(name, line.settings, lambda _: 1.0)
    # trials whose artifacts exist, and those whose values do not fit, are told at once
    assert [ask.number for ask in study.ask()] == [1, 6, 7]
    found = study.records.tells()
    assert {number: tell.value for number, tell in found.items()} == {number: tells[number].value for number in (0, 2, 3, 4, 5, 8)}
    assert all(tell.ran == () for tell in found.values())
    open_asks = study.open_asks()
    assert (study.needing(open_asks, "finetuning"), study.needing(open_asks, "pretraining")) == ([1, 6, 7], [])
    # the task that asked is tried again: its own round has not run yet, and is asked for as before
    study.tell_ended(before=1)
    assert [ask.number for ask in OpenStudy(name, line.settings, lambda _: 1.0).ask()] == [1, 6, 7]
    # a task that did not run, or whose servers were unreachable, is nobody's fault
    with pytest.raises(BadInput, match="trial 1 did not end: finetuning did not run; fix: clear the task of finetuning"):
        study.tell_ended(before=2)

    def fails(number: int, failure: Failure) -> None:
        run = study.run(study.records.asks()[number])
        line.artifacts.store.put(failure_key(run, "finetuning"), failure.model_dump_json().encode())

    fails(1, Failure(exit_code=75, message="finetuning: S3 is unreachable"))
    with pytest.raises(BadInput, match="trial 1 did not end: finetuning: S3 is unreachable"):
        study.tell_ended(before=2)
    fails(1, Failure(exit_code=75, message="finetuning was killed by SIGKILL", killed=True))
    fails(6, Failure(exit_code=2, message="the loss diverged"))
    fails(7, Failure(exit_code=1, message="a bug"))
    study.tell_ended(before=2)
    assert [study.records.tells()[number].reason for number in (1, 6, 7)] == [
        "finetuning was killed by SIGKILL",
        "the loss diverged",
        "a bug",
    ]
    assert (study.ask(), study.open_asks()) == ([], [])
    assert study.close().value == min(tells[number].value for number in (0, 3, 4))
    with pytest.raises(BadInput, match="began with another recipe"):
        begin_study(replace_fields(recipe, {"experiment.at_once": 1}, "a test"), name, line.settings, lambda _: 1.0)


def test_every_trial_reads_the_source_as_it_was(make_line) -> None:
    line = make_line()
    recipe = with_experiment(line, search={"finetuning.seed": {"values": [1, 2]}}, method="grid")
    began = begin_study(recipe, "s", line.settings, lambda _: 1.0)
    with Path(recipe.data.source.path).open("a") as data:
        data.write('\n{"name": "shop.new.f", "body": "Says something new.", "summary": "New.", "shop": "new"}')
    study = OpenStudy("s", line.settings, lambda _: 1.0)
    now = plan_run(recipe, "now", line.settings, line="trial", record=False)
    then = plan_run(recipe, "then", line.settings, line="trial", pinned=began.pinned, record=False)
    (first, second) = study.ask()
    fingerprints = [plan.step("ingestion").fingerprint for plan in (study.plan(first), study.plan(second), then)]
    assert set(fingerprints) == {then.step("ingestion").fingerprint}
    assert now.step("ingestion").fingerprint not in fingerprints


def command(path: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", "from pipeline.cli import main; main()", "experiment", str(path), "--local", *more]


@pytest.mark.prove
def test_halving_continues_and_a_killed_scheduler_changes_nothing(make_line, tmp_path: Path, capsys) -> None:
    line = make_line()
    recipe = with_experiment(
        line,
        search={"finetuning.learning_rate": {"low": 0.001, "high": 0.03, "log": True}, "finetuning.seed": {"low": 0, "high": 99}},
        method="random",
        trials=4,
        halving={"rungs": [2], "keep": 0.5},
    )
    path = tmp_path / f"{recipe.name}.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True)))
    with subprocess.Popen(command(path), env={**os.environ}, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = []
        for row in running.stdout:
            said.append(row)
            # in the middle of the second trial
            if re.match(r"t001 finetuning: .*step 2: validation loss", row) or re.match(r"t001 finetuning: .*checkpoint", row):
                running.kill()
                break
    study = said[0].split()[0]
    records = StudyRecords(line.artifacts.store, study)
    before = records.tells()
    assert set(before) == {0}
    asked = records.asks()
    assert asked == {ask.number: ask for ask in next_round(recipe, {}, {})}
    assert cli.run(["experiment", str(path), "--local", "--resume", study, "--register"]) == 0
    printed = capsys.readouterr().out
    # the best one is trained already: it is evaluated, and the gate decides
    after = printed[printed.index("Register it") :]
    assert re.search(r"finetuning +cached", after)
    assert re.search(r"registration done", after)
    assert f"Decision: {recipe.registration.model} version 1" in after
    records = StudyRecords(line.artifacts.store, study)
    asks, tells = records.asks(), records.tells()
    assert {number: asks[number] for number in asked} == asked
    assert tells[0] == before[0]
    assert [(ask.rung, ask.until) for ask in asks.values()] == [(0, 2)] * 4 + [(1, None)] * 2
    # halving costs what it says: two steps for each of four trials, and two more for each of the two best
    steps = [finetuned(line, tell).metrics["steps"] for tell in tells.values()]
    assert steps == [2] * 4 + [4] * 2
    tokens = {number: sum(ran.tokens for ran in tell.ran if ran.artifact.stage == "finetuning") for number, tell in tells.items()}
    for number in (4, 5):
        first = asks[number].trial
        assert tokens[number] + tokens[first] == finetuned(line, tells[number]).metrics["tokens"]
        assert tells[number].ran[0].state == next(ran.state for ran in tells[first].ran if ran.artifact.stage == "finetuning")
    assert sorted(asks[number].trial for number in (4, 5)) == sorted(sorted(range(4), key=lambda number: tells[number].value)[:2])
    # and the trained ones are those of a training that was never stopped
    closed = records.closed()
    best = next(tell for number, tell in tells.items() if asks[number].rung == 1 and tell.trial == closed.best)
    assert f"Best: trial {closed.best}" in printed
    options = re.search(r"Register it: trainshed run \S+ (.*)", printed)[1].replace("--set ", "").split()
    changes = dict(option.split("=") for option in options)
    assert {name: yaml.safe_load(value) for name, value in changes.items()} == asks[best.trial].values
    heard = line.run(asks[best.trial].values, force=frozenset({"finetuning"}))
    assert heard.launched[0] == "finetuning"
    assert line.manifest("finetuning").digest == finetuned(line, best).digest
    page = (line.settings.state / "experiments" / f"{study}.html").read_text()
    assert "stopped at a rung" in page


@pytest.mark.prove
def test_control_c_stops_after_a_checkpoint_and_says_how_to_go_on(make_line, tmp_path: Path) -> None:
    line = make_line()
    recipe = with_experiment(line, search={"finetuning.seed": {"values": [1, 2, 3]}}, method="grid", at_once=2)
    recipe = replace_fields(recipe, {"finetuning.steps": 100_000, "finetuning.patience": 100_000}, "a test")
    path = tmp_path / f"{recipe.name}.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True)))
    with subprocess.Popen(command(path), env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = [running.stdout.readline()]
        for row in running.stdout:
            said.append(row)
            if "checkpoint committed" in row and "finetuning" in row:
                running.send_signal(signal.SIGINT)
                break
        rest, error = running.communicate(timeout=120)
    assert running.returncode == 130, (said, rest, error)
    study = said[0].split()[0]
    assert error.splitlines()[-1].endswith(f"fix: trainshed experiment {recipe.name} --local --resume {study}")
    assert StudyRecords(line.artifacts.store, study).tells() == {}
    assert components() == []


def test_what_is_wrong_with_the_command_is_one_line(make_line, tmp_path: Path, capsys) -> None:
    line = make_line()
    path = tmp_path / f"{line.recipe.name}.yaml"
    path.write_text(yaml.safe_dump(line.recipe.model_dump(mode="json", exclude_none=True)))
    assert cli.run(["experiment", str(path), "--local"]) == 2
    assert f"recipe {line.recipe.name} has no experiment" in capsys.readouterr().err
    recipe = with_experiment(line, search={"finetuning.seed": {"values": [1]}}, method="grid", budget={"cost": 1})
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True)))
    for options, words in (
        (["--local", "--resume", "nothing"], "no experiment 'nothing' in the store"),
        (["--local"], "machine size 'cpu-small' has no price"),
    ):
        assert cli.run(["experiment", str(path), *options]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert words in said
    StudyRecords(line.artifacts.store, "s").begin({"another": "recipe"}, Pinned(sources={}, champions={}))
    path.write_text(
        yaml.safe_dump(replace_fields(recipe, {"experiment.budget.cost": None}, "x").model_dump(mode="json", exclude_none=True))
    )
    assert cli.run(["experiment", str(path), "--local", "--resume", "s"]) == 2
    assert "s began with another recipe" in capsys.readouterr().err
