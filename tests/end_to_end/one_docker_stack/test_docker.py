"""The whole line in containers through a real Airflow: the artifacts equal those of processes; kills of task and scheduler."""

import json
import subprocess
import time
from typing import NamedTuple

import psutil
import pytest
from fixtures.boxed import PURE, boxed, digests
from fixtures.commands import RETRY_S, started, trainshed, until, written
from fixtures.docker import client, containers, docker, running_docker_stack, watched_containers
from fixtures.planted import holds, in_database, in_files, in_store, watched_commands
from fixtures.stack import RunningStack

from pipeline.artifacts import open_artifacts
from pipeline.placement.container_environment import component_variables
from pipeline.planning import prepare_step
from pipeline.recipe import Recipe
from pipeline.recipe.overrides import replace_fields
from pipeline.stack import stack as local_stack
from pipeline.submission.airflow_client import Airflow
from pipeline.tracking import parent_run

pytestmark = pytest.mark.timeout(1200)  # images are built first, and a line runs in containers


@pytest.fixture(scope="module")
def recipe(docker_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return boxed(docker_stack, tmp_path_factory.mktemp("recipes"))


class Watched(NamedTuple):
    """A run, and what was seen meanwhile."""

    said: str
    commands: set[str]
    inspected: dict[str, dict]


@pytest.fixture(scope="module")
def watched_run(docker_stack: RunningStack, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    path = written(recipe, tmp_path_factory.mktemp("docker"))
    with watched_commands() as commands, watched_containers(docker_stack.settings.state) as inspected:
        said = trainshed(docker_stack, "run", path).stdout
    return Watched(said, commands, inspected)


@pytest.fixture(scope="module")
def first_run(watched_run: Watched) -> str:
    return watched_run.said


def test_containers_make_the_same_artifacts_as_processes(docker_stack, first_run, recipe, tmp_path) -> None:
    other = "s3://pipeline/by-process"
    trainshed(docker_stack, "run", written(recipe, tmp_path), "--local", TRAINSHED_STORE=other)
    made = digests(docker_stack, docker_stack.settings.store)
    assert set(made) == set(PURE)
    assert made == digests(docker_stack, other)


def test_provenance_names_image_and_code(docker_stack, first_run) -> None:
    for manifest in open_artifacts(docker_stack.settings).manifests():
        image = docker("inspect", "--format", "{{.Id}}", f"trainshed-test/{manifest.stage}:0.1.0")
        assert manifest.provenance.environment["image"] == image
        revision = docker("inspect", "--format", '{{index .Config.Labels "org.opencontainers.image.revision"}}', image)
        assert manifest.provenance.code_version == revision


def test_the_callback_at_the_end_of_a_run_has_the_connection_too(docker_stack, recipe, first_run) -> None:
    """It runs in the DAG processor, where connections are asked for in another way than by tasks."""
    run = parent_run(docker_stack.settings, recipe.name, first_run.split()[0])
    asked = {"run_id": run.id}
    until("the end of the MLflow run", lambda: run.server.call("GET", "runs/get", asked)["run"]["info"]["status"] == "FINISHED")


def test_nothing_is_left_running(docker_stack, first_run) -> None:
    assert containers(docker_stack.settings.state) == []


def test_no_secret_is_shown_anywhere_but_in_the_environment_of_containers(docker_stack, watched_run) -> None:
    """Who may ask the engine for that may run commands inside as well: it gives nobody more than they have."""
    assert {found["Config"]["Labels"]["trainshed.step"] for found in watched_run.inspected.values()} >= {"ingestion", "pretraining"}
    for found in watched_run.inspected.values():
        keys = {entry.partition("=")[0] for entry in found["Config"].pop("Env") if holds(entry.encode())}
        assert keys == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD"}
        assert not holds(json.dumps(found).encode()), found["Name"]
    assert any("components.pretraining" in command for command in watched_run.commands)
    assert not [command for command in watched_run.commands if holds(command.encode())]
    settings = docker_stack.settings
    assert in_files(settings.state) == {}
    assert in_store(settings, "pipeline") | in_store(settings, "mlflow") == {}
    tables: set[str] = set()
    assert in_database(settings.state / "airflow" / "airflow.db", tables.add) == {}
    assert "rendered_task_instance_fields" in tables
    assert in_database(settings.state / "mlflow" / "mlflow.db") == {}


def test_a_stale_image_is_refused(docker_stack, recipe) -> None:
    """Its code is not the code of the plan, so it would make another artifact under the name of this one."""
    edited = (
        "FROM trainshed-test/ingestion:0.1.0\nUSER root\nRUN echo 'LIMIT = 1' >> /app/pipeline/corpus/cleaning/records.py\nUSER 10001\n"
    )
    subprocess.run([client(), "build", "-q", "-t", "trainshed-test/stale:1", "-"], input=edited, text=True, check=True, capture_output=True)
    prepared = prepare_step(recipe, "boxed-stale", "ingestion", docker_stack.settings, {}, frozenset({"ingestion"}))
    variables = component_variables(docker_stack.settings)
    told = [word for name, value in {**variables.public, **variables.secret}.items() for word in ("-e", f"{name}={value}")]
    command = [client(), "run", "--rm", "--network", "host", "--read-only", *told, "trainshed-test/stale:1"]
    done = subprocess.run([*command, "--request", prepared.request_uri], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "fix: rebuild the image" in done.stderr.splitlines()[-1]


class Followed:
    """A run that was started, followed by a process of its own."""

    def __init__(self, stack: RunningStack, path: str) -> None:
        self.stack = stack
        self.process = started(stack, "run", path)
        assert self.process.stdout
        self.lines = [self.process.stdout.readline()]
        self.name = self.lines[0].split()[0]

    def container(self, step: str) -> str:
        """Name of the step's container, once it runs."""
        wanted = ("status=running", f"label=trainshed.run={self.name}", f"label=trainshed.step={step}")
        return until(f"a container of {step}", lambda: containers(self.stack.settings.state, *wanted))[0]

    def ended(self) -> int:
        out, err = self.process.communicate(timeout=RETRY_S)
        self.lines += [out, err]
        return self.process.returncode

    def log(self, step: str, attempt: int) -> str:
        airflow = Airflow(self.stack.settings)
        dag = next(row for row in airflow.runs() if row.id == self.name)
        return "\n".join(airflow.log(dag.dag, dag.id, step, attempt))


def long(recipe: Recipe, name: str, steps: int) -> Recipe:
    often = {"pretraining.steps": steps, "pretraining.checkpoint_every": 50, "pretraining.evaluate_every": steps}
    return replace_fields(recipe, {**often, "name": name, "registration.model": name}, "a test")


def test_a_run_that_is_stopped_leaves_no_container(docker_stack, recipe, tmp_path) -> None:
    run = Followed(docker_stack, written(long(recipe, "stopped", 100_000), tmp_path))
    run.container("pretraining")
    until("a checkpoint", lambda: "checkpoint committed" in run.log("pretraining", 1))
    began = time.monotonic()
    trainshed(docker_stack, "stop", run.name)
    until("the container to go", lambda: not containers(docker_stack.settings.state))
    print(f"told to stop: the container was gone after {time.monotonic() - began:.1f} s")
    assert run.ended() in {1, 75}


@pytest.mark.prove
def test_a_killed_scheduler_costs_nothing(docker_stack, recipe, tmp_path) -> None:
    """The container goes on; the attempt that a new scheduler starts follows the same one."""
    run = Followed(docker_stack, written(long(recipe, "killed", 2000), tmp_path))
    name = run.container("pretraining")
    until("a checkpoint", lambda: "checkpoint committed" in run.log("pretraining", 1))
    made = docker("inspect", "--format", "{{.Id}}", name)
    pid = next(found.pid for found in local_stack.status(docker_stack.settings) if found.name == "airflow-scheduler")
    psutil.Process(pid).kill()
    trainshed(docker_stack, "up")
    assert docker("inspect", "--format", "{{.Id}} {{.State.Status}}", name) == f"{made} running"
    assert run.ended() == 0, run.lines
    second = run.log("pretraining", 2)
    assert f"re-attached to container {name}" in second
    assert "resumed at step" not in second
    manifest = next(
        one for one in open_artifacts(docker_stack.settings).manifests("pretraining") if one.parts.params["pretraining"]["steps"] == 2000
    )
    assert manifest.provenance.run == run.name
    assert containers(docker_stack.settings.state) == []


@pytest.mark.prove
def test_down_ends_the_containers_too(images, tmp_path) -> None:
    """On a stack of its own: other files use the shared one."""
    with running_docker_stack(images, tmp_path / "state") as stack:
        run = Followed(stack, written(long(boxed(stack, tmp_path), "downed", 100_000), tmp_path))
        run.container("pretraining")
        run.process.kill()
        run.ended()
        trainshed(stack, "down")
        assert containers(stack.settings.state) == []
