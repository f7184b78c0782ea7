"""A run whose loss, gradients, weights or validation are NaN or infinite ends with an error, and keeps nothing non-finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.families import finetune, tiny_section
from fixtures.local_ranks import LocalRanks
from safetensors.torch import load_file, save_file

from pipeline.errors import BadInput
from pipeline.models.files import load_model, save_model, untrained
from pipeline.models.finite import find_non_finite
from pipeline.recipe import Finetuning, Model, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GPT2, T5 = tiny_section("gpt2"), tiny_section("t5_copy")
COMMON = {"batch": 4, "dropout": 0.0, "precision": "fp32", "warmup": 0.0, "decay": 0.0}


@pytest.fixture
def make_job(tokens: Path, tmp_path: Path, make_shelf) -> Callable[..., TrainingJob]:
    def make(label: str, model: Model = T5, tokens: Path = tokens, reporter: object | None = None) -> TrainingJob:
        checkpoints = make_shelf(tmp_path / f"checkpoints-{label}")
        return TrainingJob(tokens, model, tmp_path / label, "cpu", 1, reporter or SilentReporter(), checkpoints)

    return make


def finetuning(**changes: Any) -> Finetuning:
    return Finetuning.model_validate({"evaluate_every": 100, "checkpoint_every": 1, **COMMON, **changes})


INFINITE = {"learning_rate": 3e37, "weight_decay": 10.0}
"""With AdamW, weight decay makes embeddings overflow in the first step."""

DIVERGES = [
    pytest.param({"optimizer": "adamw", **INFINITE}, id="adamw"),
    pytest.param({"optimizer": "adamw", "precision": "bf16", **INFINITE}, id="bf16"),
    pytest.param({"optimizer": "muon", "matrix_learning_rate": 3e37}, id="muon"),
]


@pytest.mark.parametrize("changes", DIVERGES)
def test_a_run_that_diverges_in_its_last_step_writes_no_model_and_no_checkpoint(changes: dict[str, Any], make_job) -> None:
    for job, run in (
        (
            make_job("pretrained"),
            lambda job: pretrain_model(job, Pretraining(objective="span_corruption", steps=1, **{**COMMON, **changes})),
        ),
        (make_job("finetuned"), lambda job: finetune(job, finetuning(steps=1, **changes))),
    ):
        with pytest.raises(BadInput, match=r"training diverged: .* step 1.*; fix: lower learning_rate"):
            run(job)
        assert not job.output.exists()
        assert job.checkpoints.steps == []


def test_a_stop_request_after_a_diverging_step_saves_no_checkpoint(make_job, make_listener) -> None:
    job = make_job("model", reporter=make_listener(stop_after=1))
    with pytest.raises(BadInput, match="training diverged"):
        finetune(job, finetuning(steps=9, checkpoint_every=100, optimizer="adamw", **INFINITE))
    assert job.checkpoints.steps == []


def test_every_checkpoint_before_the_divergence_is_finite(make_job, make_listener) -> None:
    job = make_job("model", reporter=make_listener())
    with pytest.raises(BadInput, match="training diverged"):
        finetune(job, finetuning(steps=60, evaluate_every=2, optimizer="adamw", learning_rate=3e37))
    for step in job.checkpoints.steps:
        for file in (job.checkpoints.folder / str(step)).glob("*.safetensors"):
            assert find_non_finite(load_file(file)) is None, (step, file.name)
    assert all(np.isfinite(value) for _, values in job.reporter.seen for value in values.values())


def broken_base(job: TrainingJob, weight: str, row: int) -> Path:
    """A pretrained base with NaN in one row of a weight: with positions from 0, no shorter sequence reads that row."""
    pretrain_model(job, Pretraining(objective="causal_lm", steps=1, **COMMON))
    file = job.output / "model.safetensors"
    weights = load_file(file)
    weights[weight][row] = torch.nan
    save_file(weights, file, metadata={"format": "pt"})
    return job.output


def test_weights_that_no_batch_reaches_are_checked_too(tmp_path: Path, make_job) -> None:
    base = broken_base(make_job("base", GPT2), "transformer.wpe.weight", row=42)
    with pytest.raises(BadInput, match=r"training diverged: transformer\.wpe\.weight holds NaN or infinity after step 4"):
        finetune(make_job("model", GPT2), finetuning(steps=4, checkpoint_every=100), base)
    assert not (tmp_path / "model").exists()


def test_a_validation_that_is_not_a_number_ends_the_run(tmp_path: Path, make_job, make_tokens) -> None:
    """Only validation has sequences that are long enough to read the broken position; losses and gradients stay finite."""
    tokens = make_tokens(tmp_path / "tokens", longest=8)
    base = broken_base(make_job("base", GPT2, tokens), "transformer.wpe.weight", row=20)
    with pytest.raises(BadInput, match="training diverged: the validation loss of step 2 is nan"):
        finetune(make_job("model", GPT2, tokens), finetuning(steps=4, evaluate_every=2, checkpoint_every=100), base)
    assert not (tmp_path / "model").exists()


def test_all_ranks_end_when_the_last_step_diverges(tokens: Path, tmp_path: Path) -> None:
    ranks = LocalRanks("finetune-t5", tokens, tmp_path, {"steps": 1, **INFINITE, "warmup": 0.0, "decay": 0.0, "optimizer": "adamw"})
    assert ranks.train(2) == [2, 2]
    assert ranks.checkpoints.steps == []
    assert not ranks.output.exists()


def test_a_model_folder_never_holds_non_finite_weights(tmp_path: Path, make_job) -> None:
    job = make_job("model")
    finetune(job, finetuning(steps=1))
    loaded = load_model(job.output)
    for broken in (torch.nan, torch.inf, -torch.inf):
        model = untrained(loaded.info)
        with torch.no_grad():
            model.core.copy_head.hints[1] = broken
        with pytest.raises(BadInput, match=r"weight copy_head\.hints holds NaN or infinity"):
            save_model(model, tmp_path / "broken", loaded.info, tokenizer=job.tokens / "tokenizer")
        assert not (tmp_path / "broken").exists()


def test_large_finite_values_are_finite() -> None:
    assert find_non_finite({}) is None
    assert find_non_finite({"a": torch.full((4,), 3e38), "b": torch.full((4,), -3e38)}) is None
    assert find_non_finite({"a": torch.ones(2), "b": torch.tensor([torch.inf, -torch.inf])}) == "b"
