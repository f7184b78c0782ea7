"""A training that stops before its end: another run continues from there, and ends with the bytes of one that never stopped."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.families import finetune, tiny_section

from pipeline.recipe import Finetuning, Pretraining
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 30
COMMON = {"steps": STEPS, "batch": 4, "evaluate_every": 2, "checkpoint_every": 100, "dropout": 0.1, "seed": 5, "precision": "fp32"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "pretraining": ("t5_copy", {}),
    "finetuning": ("t5_copy", {}),
    "adamw": ("gpt2", {"optimizer": "adamw"}),
    "lora": ("llama", {"lora": {"rank": 2, "dropout": 0.1}, "optimizer": "adamw"}),
}


def train(case: str, tokens: Path, output: Path, reporter: object, shelf: object, until: int | None = None) -> dict[str, float]:
    family, more = CASES[case]
    job = TrainingJob(tokens, tiny_section(family), output, "cpu", 1, reporter, shelf)
    params = {**COMMON, **more, "until": until}
    if case == "pretraining":
        return pretrain_model(job, Pretraining(objective="span_corruption", **params)).metrics
    return finetune(job, Finetuning.model_validate({"patience": 99, **params})).metrics


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def exact(listener: Any) -> list[tuple[int, dict[str, float]]]:
    return [(step, {name: value for name, value in values.items() if name != "tokens_per_s"}) for step, values in listener.seen]


@pytest.mark.parametrize("case", CASES)
def test_stopped_at_rungs_and_continued(case: str, tokens: Path, tmp_path: Path, make_shelf, make_listener) -> None:
    whole, shelf = make_listener(), make_shelf(tmp_path / "shelf")
    undisturbed = train(case, tokens, tmp_path / "whole", whole, make_shelf(tmp_path / "other"))
    listeners, done = [], []
    for rung in (4, 16, None):
        listeners.append(make_listener())
        metrics = train(case, tokens, tmp_path / f"rung-{rung}", listeners[-1], shelf, rung)
        done.append((listeners[-1].boundaries, metrics["steps"]))
    # each run trains only what the one before did not, by the schedule of the whole training
    assert done == [(4, 4), (12, 16), (14, STEPS)]
    assert digests(tmp_path / "rung-None") == digests(tmp_path / "whole")
    assert metrics == undisturbed
    assert [row for listener in listeners for row in exact(listener)] == exact(whole)


def test_what_a_rung_shows_is_what_the_whole_training_saw_there(tokens: Path, tmp_path: Path, make_shelf, make_listener) -> None:
    train("finetuning", tokens, tmp_path / "whole", make_listener(), make_shelf(tmp_path / "a"))
    train("finetuning", tokens, tmp_path / "rung", make_listener(), make_shelf(tmp_path / "b"), 16)
    whole, rung = (json.loads((tmp_path / name / "history.json").read_text()) for name in ("whole", "rung"))
    assert rung == whole[: len(rung)]
    assert rung[-1]["step"] == 16
    assert rung[-1]["learning_rate"] > whole[-1]["learning_rate"]  # the schedule sees the whole training


def test_one_that_stopped_early_does_not_train_on(tokens: Path, tmp_path: Path, make_shelf, make_listener) -> None:
    job = TrainingJob(tokens, tiny_section("t5_copy"), tmp_path / "a", "cpu", 1, make_listener(), make_shelf(tmp_path / "shelf"))
    params = {**COMMON, "patience": 1, "learning_rate": 1e-9, "matrix_learning_rate": 1e-9, "dropout": 0.0}
    first = finetune(job, Finetuning.model_validate({**params, "until": 28})).metrics
    assert first["steps"] < 28
    again = TrainingJob(tokens, tiny_section("t5_copy"), tmp_path / "b", "cpu", 1, make_listener(), job.checkpoints)
    assert finetune(again, Finetuning.model_validate(params)).metrics == first
    assert again.reporter.boundaries == 0
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
