"""The real component under torchrun: what a person starts, what it leaves in the store and in MLflow, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.families import CONFIGS
from fixtures.torchrun_step import TorchrunStep, after_checkpoint
from safetensors.torch import load

from pipeline.runtime.torchrun import exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECTIVES = {"t5": "span_corruption", "gpt2": "causal_lm"}
STEPS = {"steps": 12, "batch": 5, "evaluate_every": 4, "checkpoint_every": 4, "seed": 5, "precision": "fp32", "optimizer": "adamw"}


def pretraining(family: str, **changes: Any) -> dict[str, Any]:
    return {
        "model": {"family": family, "config": CONFIGS[family], "context": 40},
        "pretraining": {"objective": OBJECTIVES[family], "dropout": 0.0, **STEPS, **changes},
    }


@pytest.fixture
def make_shared(tokens: Path, tmp_path: Path, mlflow_server) -> Callable[..., TorchrunStep]:
    def make(label: str, params: dict[str, Any], stage: str = "pretraining") -> TorchrunStep:
        return TorchrunStep(tmp_path / label, mlflow_server.uri, tokens, stage, params)

    return make


@pytest.mark.prove
@pytest.mark.timeout(600)  # several attempts, each of which starts torch
@pytest.mark.parametrize("family", ["gpt2", "t5"])
def test_two_processes_learn_what_one_does(family: str, make_shared) -> None:
    alone, both = make_shared("alone", pretraining(family)), make_shared("both", pretraining(family))
    ended = alone.attempt(processes=1)
    assert ended.code == 0, ended.log
    ended = both.attempt()
    assert ended.code == 0, ended.log
    assert both.request.fingerprint == alone.request.fingerprint
    assert [list(row.values()) for row in both.history] == [pytest.approx(list(row.values()), rel=1e-5) for row in alone.history]
    one, two = (load(shared.file("model.safetensors")) for shared in (alone, both))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-3
    assert both.points("validation/loss") == [4, 8, 12]
    assert both.points("train/loss") == [10, 12]
    assert (alone.made.provenance.environment["processes"], both.made.provenance.environment["processes"]) == ("1", "2")
    assert ended.log.count("step 4: validation loss") == 1
    assert list((both.folder / "state" / "scratch").iterdir()) == []


@pytest.mark.prove
@pytest.mark.timeout(600)  # several attempts, each of which starts torch
def test_a_lost_process_ends_all_and_the_next_attempt_gives_the_same_bytes(make_shared) -> None:
    undisturbed, killed = (make_shared(label, pretraining("gpt2", dropout=0.1)) for label in ("undisturbed", "killed"))
    assert undisturbed.attempt().code == 0
    ended = killed.attempt(on_line=after_checkpoint(4, lambda shared: shared.send(1, signal.SIGKILL)))
    assert ended.code == 75, ended.log
    assert "rank 1 died of SIGKILL" in ended.log
    again = killed.attempt()
    assert again.code == 0, again.log
    assert "resumed at step 4" in again.log
    assert killed.made.digest == undisturbed.made.digest
    assert killed.points("validation/loss") == [4, 8, 12]
    # what is there already is found by the first process, and the other is sent home
    again = killed.attempt()
    assert (again.code, "validation loss" in again.log) == (0, False), again.log


@pytest.mark.prove
@pytest.mark.timeout(600)  # several attempts, each of which starts torch
def test_told_to_stop_all_checkpoint_and_one_alone_may_go_on(make_shared) -> None:
    stopped = make_shared("stopped", pretraining("t5", steps=400, evaluate_every=200, checkpoint_every=400))

    def stop(line: str, shared: TorchrunStep) -> None:
        if "step 200: validation loss" in line:
            shared.process.terminate()

    ended = stopped.attempt(on_line=stop)
    assert ended.code == 75, ended.log
    assert stopped.made is None
    kept = sorted(stopped.artifacts.store.list("training/"), key=lambda stat: stat.key)
    last = int(Path(kept[-1].key).stem)
    assert 200 <= last < 400, ended.log
    # the second one ends after the checkpoint is committed: torchrun would have the first one stopped before
    committed, left = f"checkpoint committed stage=pretraining step={last}\n", f"stopped on request after step {last};"
    lines = ended.log.splitlines(keepends=True)
    (done,) = (number for number, line in enumerate(lines) if committed in line)
    assert done < min(number for number, line in enumerate(lines) if left in line), ended.log
    ended = stopped.attempt(processes=1)
    assert ended.code == 0, ended.log
    assert f"resumed at step {last}\n" in ended.log
    assert stopped.made.provenance.environment["processes"] == f"2, 1 from step {last}"


def test_what_does_not_train_is_one_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "components.ingestion", "--request", "x"],
        env={**os.environ, "RANK": "1", "WORLD_SIZE": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ingestion was started as 2 processes; expected one" in done.stderr


@pytest.mark.parametrize(
    ("codes", "code"),
    [({1: 75}, 75), ({0: 75, 1: -9}, 75), ({0: 75, 1: 2}, 2), ({0: 1, 1: 75}, 1), ({0: 2, 1: 1}, 2), ({1: -15}, 75), ({1: 130}, 130)],
)
def test_what_cannot_be_helped_by_trying_again_decides(codes: dict[int, int], code: int) -> None:
    assert exit_code(codes) == code
