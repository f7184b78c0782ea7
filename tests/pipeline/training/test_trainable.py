"""Which weights are trained: frozen ones neither move nor decay, adapters are merged, a new head learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from fixtures.families import finetune, tiny_section
from safetensors.torch import load_file

from pipeline.errors import BadInput
from pipeline.models.files import load_model, untrained
from pipeline.recipe import Finetuning, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def params(**changes: Any) -> Finetuning:
    common = {"steps": 4, "batch": 8, "evaluate_every": 2, "checkpoint_every": 2, "dropout": 0.0, "precision": "fp32", "weight_decay": 0.5}
    return Finetuning.model_validate({**common, **changes})


@pytest.fixture
def make_job(tokens: Path, tmp_path: Path, make_shelf) -> Callable[..., TrainingJob]:
    def make(label: str, family: str) -> TrainingJob:
        shelf = make_shelf(tmp_path / f"checkpoints-{label}")
        return TrainingJob(tokens, tiny_section(family), tmp_path / label, "cpu", 1, SilentReporter(), shelf)

    return make


def moved(folder: Path) -> set[str]:
    """Names of the weights that training changed."""
    loaded = load_model(folder)
    before = untrained(loaded.info).named_weights()
    return {name for name, weight in loaded.model.named_weights().items() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize(("optimizer", "precision"), [("adamw", "fp32"), ("muon", "fp32"), ("adamw", "bf16")])
def test_frozen_weights_neither_move_nor_decay_nor_are_checkpointed(optimizer: str, precision: str, make_job, tmp_path: Path) -> None:
    job = make_job("m", "gpt2")
    result = finetune(job, params(trained="last:1", optimizer=optimizer, l1=1e-3, precision=precision))
    changed = moved(tmp_path / "m")
    assert changed
    assert all(name.startswith("transformer.h.1.") for name in changed)
    assert set(load_file(job.checkpoints.newest() / "weights.safetensors")) == changed
    assert result.metrics["trained_parameters"] < result.metrics["parameters"]


def test_a_pattern_names_what_is_trained(make_job, tmp_path: Path) -> None:
    finetune(make_job("m", "llama"), params(trained=r"pattern:mlp\.up_proj", optimizer="adamw"))
    assert moved(tmp_path / "m") == {f"model.layers.{layer}.mlp.up_proj.weight" for layer in range(2)}


@pytest.mark.parametrize("family", ["llama", "gpt2", "t5"])
def test_adapters_are_merged_into_an_ordinary_model(family: str, make_job, tmp_path: Path) -> None:
    job = make_job("m", family)
    result = finetune(job, params(lora={"rank": 2}, optimizer="adamw", learning_rate=0.05))
    names = set(load_file(tmp_path / "m/model.safetensors"))
    assert not [name for name in names if "lora" in name or "base_layer" in name]
    kept = load_file(job.checkpoints.newest() / "weights.safetensors")
    assert all("lora" in name for name in kept)
    assert result.metrics["trained_parameters"] == sum(weight.numel() for weight in kept.values()) < 0.5 * result.metrics["parameters"]
    assert moved(tmp_path / "m")
    assert "embed" not in " ".join(moved(tmp_path / "m"))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_adapters_start_as_no_change(precision: str, make_job, tmp_path: Path) -> None:
    pretrain_model(make_job("base", "llama"), Pretraining(objective="causal_lm", steps=1, batch=4, precision="fp32"))
    still = params(lora={"rank": 2}, optimizer="adamw", learning_rate=1e-20, weight_decay=0.0, precision=precision)
    finetune(make_job("m", "llama"), still, tmp_path / "base")
    base, tuned = (load_model(tmp_path / name).model.named_weights() for name in ("base", "m"))
    for name, weight in base.items():
        torch.testing.assert_close(tuned[name], weight, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("gpt2", {"trained": "pattern:nowhere"}, "trains no weight"),
        ("llama", {"lora": {"targets": ["nowhere"]}}, r"finetuning\.lora\.targets"),
        ("t5", {"trained": "head"}, "trains no weight"),
    ],
)
def test_what_trains_nothing_is_refused(family: str, changes: dict[str, Any], said: str, make_job) -> None:
    with pytest.raises(BadInput, match=said):
        finetune(make_job("m", family), params(**changes))
