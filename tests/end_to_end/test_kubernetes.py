"""The line in pods of a fake cluster, through a real Airflow: what a kill does to a pod, and what it does not."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Self

import psutil
import pytest
from fixtures.cluster import running_cluster
from fixtures.commands import PATIENCE_S, started, trainshed, until, written
from fixtures.line import small_recipe
from fixtures.stack import RunningStack, bare_environment, free_settings

from pipeline.artifacts import open_artifacts
from pipeline.orchestration.client import Airflow
from pipeline.recipe.recipe import override
from pipeline.settings import load_settings
from pipeline.stack import stack as local_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.cluster import Cluster

STAGES = ("ingestion", "tokenization", "pretraining", "finetuning", "evaluation", "registration")

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster."""
    with running_cluster(tmp_path_factory.mktemp("node")) as made:
        yield made


@pytest.fixture(scope="module")
def pod_stack(node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose Airflow starts components as pods; the cluster is found by a kubeconfig, without any connection."""
    state = tmp_path_factory.mktemp("pods")
    variables = {"TRAINSHED_LAUNCHER": "kubernetes", "KUBECONFIG": str(node.kubeconfig), "TRAINSHED_THREADS": "1"}
    with bare_environment(), pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        wanted = free_settings(state)
        local_stack.up(wanted)
        try:
            settings = load_settings(state)
            access, secret = settings.s3_keys
            password = settings.mlflow_password.get_secret_value()
            keys = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "MLFLOW_TRACKING_PASSWORD": password}
            node.secrets = {f"trainshed-{stage}": keys for stage in STAGES}
            yield RunningStack(settings, {"TRAINSHED_STATE": str(state), **variables})
        finally:
            local_stack.down(wanted)


class Watched:
    """A run of a recipe that pretrains for so many steps, followed by a process of its own."""

    def __init__(self, stack: RunningStack, node: Cluster, folder: Path, name: str, steps: int) -> None:
        often = {"pretraining.steps": steps, "pretraining.checkpoint_every": 50, "pretraining.evaluate_every": steps}
        recipe = override(small_recipe(folder), {**often, "name": name, "registration.model": name, "resources.pretraining": "gpu-8"})
        self.stack, self.node = stack, node
        self.process = started(stack, "run", written(recipe, folder))
        assert self.process.stdout
        self.name = self.process.stdout.readline().split()[0]

    def __enter__(self) -> Self:
        """Nothing is left, whatever happens."""
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def pods(self, step: str) -> list[str]:
        """Names of the pods that were ever made for a step of this run."""
        wanted = {"trainshed/step": step, "trainshed/run": self.name}.items()
        return [pod["metadata"]["name"] for pod in self.node.created if wanted <= pod["metadata"]["labels"].items()]

    def training(self) -> str:
        """Name of the pod that pretrains, once it has made a checkpoint."""
        return until(
            "a checkpoint", lambda: [n for n in self.pods("pretraining") if "checkpoint committed" in self.node.kubelet.log(n, None, None)]
        )[0]

    def ended(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out + err

    def log(self, step: str, attempt: int) -> str:
        airflow = Airflow(self.stack.settings)
        found = next(row for row in airflow.runs() if row.id == self.name)
        return "\n".join(airflow.log(found.dag, found.id, step, attempt))


def test_a_killed_scheduler_costs_nothing(pod_stack, node, tmp_path) -> None:
    """The pod goes on; the attempt that a new scheduler starts follows the same one, and the run ends with a decision."""
    with Watched(pod_stack, node, tmp_path, "killed", 4000) as run:
        name = run.training()
        pid = next(found.pid for found in local_stack.status(pod_stack.settings) if found.name == "airflow-scheduler")
        psutil.Process(pid).kill()
        trainshed(pod_stack, "up")
        code, said = run.ended()
        assert code == 0, said
        assert run.pods("pretraining") == [name]
        assert re.search(rf"pod {name} is there already \(\w+\): following it", run.log("pretraining", 2))
        assert {stage for stage in STAGES if run.pods(stage)} == set(STAGES)
    assert {manifest.stage for manifest in open_artifacts(pod_stack.settings).manifests()} == set(STAGES)
    assert node.pods == []


def test_a_run_that_is_stopped_leaves_no_pod(pod_stack, node, tmp_path) -> None:
    with Watched(pod_stack, node, tmp_path, "stopped", 100_000) as run:
        name = run.training()
        began = time.monotonic()
        trainshed(pod_stack, "stop", run.name)
        until("the pod to go", lambda: name not in node.pods)
        print(f"told to stop: the pod was gone after {time.monotonic() - began:.1f} s")
        assert "told to stop: SIGTERM" in node.kubelet.log(name, None, None)
        assert run.ended()[0] in {1, 75}
