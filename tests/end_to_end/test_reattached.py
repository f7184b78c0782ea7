"""Reattachment under load: ten pretrainings in containers lose their workers, the scheduler, and the API server for five minutes.

That is thirty losses. Each container continues, and each run ends with a decision. Ten are as many as SQLite and two cores
carry. A container gets a twentieth of a core until the last loss is over, so that all of them still train then.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest
import yaml
from fixtures.boxed import boxed
from fixtures.commands import started, trainshed, until, written
from fixtures.docker import client, containers, docker, running_docker_stack
from fixtures.stack import REPOSITORY

from pipeline.artifacts import open_artifacts
from pipeline.recipe.overrides import replace_fields
from pipeline.stack import airflow_config
from pipeline.stack import stack as local_stack
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.stack import RunningStack

    from pipeline.recipe import Recipe

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]

RUNS, STEPS, EVERY = 10, 4000, 250
AWAY_S = 300
RETRY_S, PAUSE_S = 1800, 2.0
STEP = "pretraining"


class Crowd(NamedTuple):
    """Runs that pretrain."""

    stack: RunningStack
    runs: dict[str, str]
    """DagRun by DAG."""

    made: Path
    """Names of the containers that were made since, a line each."""

    def followed(self, attempts: dict[str, int]) -> list[str]:
        """DAGs whose container was found again by a later attempt than it was followed by before."""
        airflow = Airflow(self.stack.settings)
        found = []
        for dag, run in self.runs.items():
            task = airflow.tasks(dag, run)[STEP]
            if task.attempt > attempts[dag] and any(
                "re-attached to container" in line for line in airflow.log(dag, run, STEP, task.attempt)
            ):
                found.append(dag)
        return found

    def attempts(self) -> dict[str, int]:
        """Number of the newest attempt of each."""
        airflow = Airflow(self.stack.settings)
        return {dag: airflow.tasks(dag, run)[STEP].attempt for dag, run in self.runs.items()}

    def checkpointed(self) -> bool:
        """Whether each of them has made one."""
        airflow = Airflow(self.stack.settings)
        return all(any("checkpoint committed" in line for line in airflow.log(dag, run, STEP, 1)) for dag, run in self.runs.items())

    def training(self) -> list[str]:
        """Containers that pretrain now."""
        return containers(self.stack.settings.state, "status=running", f"label=trainshed.step={STEP}")


@pytest.fixture(scope="module")
def crowd_stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("crowd")
    sizes = yaml.safe_load((REPOSITORY / "infra" / "machines.yaml").read_text())
    sizes["trickle"] = {"cpus": 0.05, "memory_mb": 2048, "scratch_mb": 1024}
    (folder / "machines.yaml").write_text(yaml.safe_dump(sizes))
    with pytest.MonkeyPatch.context() as patch:
        # a laptop's Airflow does four things at once
        patch.setattr(airflow_config, "PARALLELISM", RUNS + 4)
        with running_docker_stack(images, folder / "state", TRAINSHED_MACHINES=str(folder / "machines.yaml")) as stack:
            yield stack


@pytest.fixture(scope="module")
def recipe(crowd_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """What the others differ from in their pretraining; its corpus and its tokens are there."""
    folder = tmp_path_factory.mktemp("recipes")
    made = boxed(crowd_stack, folder)
    trainshed(crowd_stack, "run", written(made, folder))
    return made


@pytest.fixture(scope="module")
def crowd(crowd_stack: RunningStack, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """All of them train, and have made a checkpoint."""
    folder = tmp_path_factory.mktemp("crowd")
    log = folder / "made"
    chosen = ("event=create", f"label=trainshed.state={crowd_stack.settings.state}", f"label=trainshed.step={STEP}")
    filters = [word for one in chosen for word in ("--filter", one)]
    told = [client(), "events", *filters, "--format", "{{.Actor.Attributes.name}}"]
    with log.open("w") as out, subprocess.Popen(told, stdout=out) as events:
        try:
            recipes = [one_of_many(recipe, 100 + number) for number in range(RUNS)]
            paths = {one.name: written(one, folder) for one in recipes}
            for path in paths.values():
                # all before the first run: Airflow parses what is new once, not ten times
                submit_recipe(Path(path), crowd_stack.settings)
            crowd = Crowd(crowd_stack, {}, log)
            for name, path in paths.items():
                crowd.runs[name] = begin(crowd_stack, path)
                until(f"{name} to train", lambda: len(crowd.training()) == len(crowd.runs), pause_s=0.5)
            until("a checkpoint of each", crowd.checkpointed, RETRY_S, PAUSE_S)
            yield crowd
        finally:
            events.terminate()


def one_of_many(recipe: Recipe, seed: int) -> Recipe:
    name = f"crowd-{seed}"
    changes = {
        "name": name,
        "registration.model": name,
        "pretraining.seed": seed,
        "pretraining.steps": STEPS,
        "pretraining.checkpoint_every": EVERY,
        "pretraining.evaluate_every": STEPS,
        "resources.pretraining": "trickle",
    }
    return replace_fields(recipe, changes, "a test")


def begin(stack: RunningStack, path: str) -> str:
    """Start a run and leave it to itself."""
    with started(stack, "run", path) as watching:
        first = watching.stdout.readline().split()
        assert first, watching.stderr.read()
        watching.kill()
    return first[0]


def process(stack: RunningStack, server: str) -> psutil.Process:
    return psutil.Process(next(found.pid for found in local_stack.status(stack.settings) if found.name == server))


def unharmed(crowd: Crowd, before: list[str]) -> None:
    """The same containers run."""
    assert sorted(crowd.training()) == sorted(before)


def test_workers_are_killed(crowd: Crowd) -> None:
    """Of every second one the task's own process lives on for a while, and goes on following."""
    before, attempts = crowd.training(), crowd.attempts()
    workers = [
        child
        for child in process(crowd.stack, "airflow-scheduler").children()
        if "LocalExecutor" in (line := " ".join(child.cmdline())) and "idle" not in line
    ]
    assert len(workers) == RUNS
    for number, worker in enumerate(workers):
        below = worker.children(recursive=True)
        for one in [worker, *(below if number % 2 else [])]:
            one.kill()
    until("all to be followed again", lambda: len(crowd.followed(attempts)) == RUNS, RETRY_S, PAUSE_S)
    unharmed(crowd, before)


def test_the_scheduler_is_killed(crowd: Crowd) -> None:
    before, attempts = crowd.training(), crowd.attempts()
    process(crowd.stack, "airflow-scheduler").kill()
    trainshed(crowd.stack, "up")
    until("all to be followed again", lambda: len(crowd.followed(attempts)) == RUNS, RETRY_S, PAUSE_S)
    unharmed(crowd, before)


def test_the_api_server_is_unreachable_for_five_minutes(crowd: Crowd) -> None:
    """Longer than workers go on without an answer: they end their tasks, and the containers go on."""
    before, attempts = crowd.training(), crowd.attempts()
    process(crowd.stack, "airflow-api").kill()
    back = time.monotonic() + AWAY_S
    while time.monotonic() < back:
        time.sleep(5)
        unharmed(crowd, before)
    trainshed(crowd.stack, "up")
    until("all to be followed again", lambda: len(crowd.followed(attempts)) == RUNS, RETRY_S, PAUSE_S)
    unharmed(crowd, before)


def test_each_ends_in_the_container_it_began_in(crowd: Crowd) -> None:
    stack, airflow = crowd.stack, Airflow(crowd.stack.settings)
    for name in crowd.training():
        docker("update", "--cpus", "1", name)
    over = {"success", "failed"}
    until("all to end", lambda: all(airflow.run(*run).state in over for run in crowd.runs.items()), RETRY_S, PAUSE_S)
    print(f"attempts of each: {sorted(crowd.attempts().values())}")
    assert Counter(airflow.run(*run).state for run in crowd.runs.items()) == {"success": RUNS}
    names = crowd.made.read_text().split()
    assert len(names) == len(set(names)) == RUNS
    for dag, run in crowd.runs.items():
        logs = "\n".join(line for number in range(1, crowd.attempts()[dag] + 1) for line in airflow.log(dag, run, STEP, number))
        assert "resumed at step" not in logs
    made = {found.provenance.run for found in open_artifacts(stack.settings).manifests(STEP)}
    assert made >= set(crowd.runs.values())
    assert containers(stack.settings.state) == []
