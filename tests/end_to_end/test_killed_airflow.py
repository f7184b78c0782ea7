"""SIGKILL of the scheduler and of the API server during pretraining: the run completes, and nothing is done twice."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from fixtures.commands import started, trainshed, until, written
from fixtures.line import small_recipe

from pipeline.artifacts import open_artifacts
from pipeline.recipe.overrides import replace_fields
from pipeline.stack import stack as local_stack
from pipeline.submission.airflow_client import Airflow
from pipeline.tracking import MlflowServer, step_run

STEPS, EVERY = 3000, 100
RETRY_S = 600
SECONDS = len("2026-01-02T03:04:05")

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]  # a stack comes up, loses a server, and a line runs through it


def checkpoints(stack) -> list[int]:
    store = open_artifacts(stack.settings).store
    return sorted(int(stat.key.rpartition("/")[2].removesuffix(".json")) for stat in store.list("training/") if "checkpoints" in stat.key)


def kill(stack, server: str) -> None:
    pid = next(found.pid for found in local_stack.status(stack.settings) if found.name == server)
    psutil.Process(pid).kill()
    trainshed(stack, "up")


@pytest.mark.parametrize(("server", "seed"), [("airflow-scheduler", 1), ("airflow-api", 2)])
def test_a_run_survives_the_kill_of(stack, tmp_path: Path, server: str, seed: int) -> None:
    name = f"killed-{server}"
    changes = {
        # the stack is shared: with the same seed the second model would be there already
        "pretraining.seed": seed,
        "pretraining.steps": STEPS,
        "pretraining.checkpoint_every": EVERY,
        "pretraining.evaluate_every": EVERY,
        "name": name,
        "registration.model": name,
    }
    recipe = replace_fields(small_recipe(tmp_path), changes, "a test")
    watching = started(stack, "run", written(recipe, tmp_path))
    until("two checkpoints", lambda: len(checkpoints(stack)) >= 2, RETRY_S)
    kill(stack, server)
    out, err = watching.communicate(timeout=RETRY_S)
    assert watching.returncode == 0, out + err
    run = re.match(rf"({name}-\S+)", out)[1]
    log = attempts(stack, name, run)
    executed = STEPS + lost(log)
    print(f"{server}: {len(log)} attempts, {executed} steps executed of {STEPS}")
    assert executed <= STEPS + EVERY
    assert one_training_at_a_time(log)
    pretraining = step_run(stack.settings, name, run, "pretraining")
    for metric in ("train/loss", "validation/loss"):
        history = pretraining.server.call(
            "GET", "metrics/get-history", {"run_id": pretraining.id, "metric_key": metric, "max_results": 5000}
        )["metrics"]
        assert max(Counter(point["step"] for point in history).values()) == 1
        assert history
    versions = MlflowServer(stack.settings).call("GET", "model-versions/search", {"filter": f"name='{name}'"}).get("model_versions", [])
    assert len(versions) == 1


def attempts(stack, dag: str, run: str) -> list[list[str]]:
    """The log lines of each attempt of pretraining that came as far as its lease."""
    airflow = Airflow(stack.settings)
    found = next(row for row in airflow.runs() if row.dag == dag)
    last = airflow.tasks(dag, found.id)["pretraining"].attempt
    logs = [list(airflow.log(dag, found.id, "pretraining", number)) for number in range(1, last + 1)]
    return [lines for lines in logs if any("lease acquired" in line for line in lines)]


def lost(log: list[list[str]]) -> int:
    """Steps that were done again: those between where an attempt ended and where the next one resumed."""
    again = 0
    for before, after in pairwise(log):
        resumed = int(re.search(r"resumed at step (\d+)", "\n".join(after))[1])
        told = re.search(r"stopped on request after step (\d+)", "\n".join(before))
        done = [int(found) for found in re.findall(r"done=(\d+)", "\n".join(before))]
        again += max(0, (int(told[1]) if told else max([*done, resumed])) - resumed)
    return again


def one_training_at_a_time(log: list[list[str]]) -> bool:
    """Each attempt got its lease after the one before had committed its last checkpoint; lines begin with the time they were logged at."""
    for before, after in pairwise(log):
        acquired = next(line for line in after if "lease acquired" in line)[:SECONDS]
        trained = [line[:SECONDS] for line in before if "checkpoint committed" in line]
        if trained and max(trained) > acquired:
            return False
    return True
