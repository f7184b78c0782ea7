"""Schedule, optimizers, precision, early stopping; and that training learns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fixtures.families import finetune, tiny_architecture, tiny_section, tiny_vocabulary

from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.collate import prompt_ids
from pipeline.models.files import load_model
from pipeline.models.generate import generate
from pipeline.recipe import Finetuning, Model, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.training.device import choose_kernel
from pipeline.training.early_stopping import EarlyStopping
from pipeline.training.gradients import clip_gradients, shrink_towards_zero
from pipeline.training.job import TrainingJob
from pipeline.training.learning_rate_schedule import FINAL_FACTOR, learning_rate_factor
from pipeline.training.master_weights import MasterWeights
from pipeline.training.optimizers.adamw import AdamW
from pipeline.training.optimizers.muon import Muon, orthogonal
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = tiny_section("t5_copy")


def build(family: str):
    architecture = tiny_architecture(family)
    return new_model(architecture, tiny_vocabulary(64), HeadSpec(LANGUAGE_HEAD[find_family(family).kind]), 0.0, 0)


def params(**changes: object) -> Finetuning:
    base = {
        "steps": 8,
        "batch": 8,
        "evaluate_every": 4,
        "checkpoint_every": 100,
        "dropout": 0.0,
        "precision": "fp32",
    }
    return Finetuning.model_validate({**base, **changes})


@pytest.fixture
def make_job(tokens: Path, tmp_path: Path, make_shelf) -> Callable[..., TrainingJob]:
    def make(label: str, model: Model = TINY, tokens: Path = tokens) -> TrainingJob:
        return TrainingJob(tokens, model, tmp_path / label, "cpu", 1, SilentReporter(), make_shelf(tmp_path / f"checkpoints-{label}"))

    return make


def test_the_schedule_rises_stays_and_falls() -> None:
    rates = [learning_rate_factor(step, 100, warmup=0.1, decay=0.4) for step in range(1, 101)]
    assert rates[4] == pytest.approx(0.5)
    assert rates[9:60] == [1.0] * 51
    assert rates[-1] == pytest.approx(FINAL_FACTOR)
    assert rates == sorted(rates[:10]) + rates[10:60] + sorted(rates[60:], reverse=True)
    assert [learning_rate_factor(step, 3, warmup=0.0, decay=0.0) for step in (1, 2, 3)] == [1.0] * 3


def test_adamw_is_torchs_adamw() -> None:
    ours, theirs = {"w": torch.randn(4, 3, generator=torch.Generator().manual_seed(0))}, torch.nn.Parameter(torch.empty(4, 3))
    theirs.data.copy_(ours["w"])
    optimizer = AdamW(ours, {}, params(learning_rate=0.01, weight_decay=0.1), torch.float32)
    reference = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1, betas=(0.9, 0.98), eps=1e-9)
    for step in range(1, 6):
        theirs.grad = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        optimizer.step({"w": theirs.grad}, 1.0, step)
        reference.step()
    torch.testing.assert_close(ours["w"], theirs.detach())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_newton_schulz_brings_singular_values_near_one(dtype: torch.dtype) -> None:
    matrices = torch.randn(3, 16, 40, generator=torch.Generator().manual_seed(0)).to(dtype)
    values = torch.linalg.svdvals(orthogonal(matrices).float())
    assert 0.6 < float(values.min()) < float(values.max()) < 1.3


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (6, 20), (20, 6)])
@pytest.mark.parametrize("transposed", [False, True])
def test_muon_is_torchs_muon_where_both_compute_in_bf16(rows: int, columns: int, *, transposed: bool) -> None:
    """Torch's own takes matrices as [outputs, inputs] only, so it gets the transposed ones turned."""
    start = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    ours, theirs = {"m": start.clone()}, torch.nn.Parameter((start.T if transposed else start).clone())
    optimizer = Muon(ours, {"m": transposed}, params(matrix_learning_rate=0.02, weight_decay=0.1), torch.bfloat16)
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95)
    for step in range(1, 6):
        gradient = torch.randn(rows, columns, generator=torch.Generator().manual_seed(step))
        theirs.grad = gradient.T if transposed else gradient
        optimizer.step({"m": gradient}, 1.0, step)
        reference.step()
    found = ours["m"].T if transposed else ours["m"]
    moved = theirs.detach() - (start.T if transposed else start)
    # bf16 rounds at one part in 256, five times in an iteration that amplifies; another scale or momentum differs by 10 % and more
    assert float((found - theirs.detach()).norm()) < 0.03 * float(moved.norm())


def test_muon_moves_a_tall_matrix_as_it_moves_a_flat_one() -> None:
    flat = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    moved = []
    for gradient in (flat, flat.T.contiguous()):
        weights = {"m": torch.zeros_like(gradient)}
        Muon(weights, {"m": False}, params(weight_decay=0.0), torch.float32).step({"m": gradient}, 1.0, 1)
        moved.append(weights["m"])
    torch.testing.assert_close(moved[0] * 2**0.5, moved[1].T, rtol=1e-4, atol=1e-6)


def test_bf16_keeps_masters_that_take_updates_too_small_for_bf16() -> None:
    model = build("t5")
    weights = MasterWeights(model, "bf16")
    name = "shared.weight"
    before = weights.tensors[name].clone()
    assert next(model.parameters()).dtype == torch.bfloat16
    for _ in range(100):
        weights.tensors[name].add_(1e-4)
        weights.copy_to_model()
    torch.testing.assert_close(weights.tensors[name], before + 1e-2, rtol=0, atol=1e-4)
    torch.testing.assert_close(model.core.shared.weight.float(), before + 1e-2, rtol=1e-2, atol=1e-3)


def test_hidden_matrices_are_neither_embeddings_nor_vectors() -> None:
    for family in ("t5", "gpt2", "llama", "bert"):
        weights = MasterWeights(build(family), "fp32")
        assert all(weights.tensors[name].ndim == 2 for name in weights.matrices)
        assert not [
            name
            for name in weights.matrices
            if any(word in name for word in ("wte", "wpe", "shared", "relative", "embed", "lm_head", "decoder.weight"))
        ]
        assert len(weights.matrices) > 5


def test_clipping_scales_all_gradients_together_and_l1_shrinks_matrices() -> None:
    gradients = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}
    assert clip_gradients(gradients, 1.0, 1) == pytest.approx(5.0)
    assert [float(gradients[name]) for name in "ab"] == pytest.approx([0.6, 0.8])
    weights = MasterWeights(build("t5"), "fp32")
    before = {name: weight.clone() for name, weight in weights.tensors.items()}
    shrink_towards_zero(weights, 0.01)
    for name, weight in weights.tensors.items():
        if name in weights.matrices:
            torch.testing.assert_close(weight, before[name].sign() * (before[name].abs() - 0.01).clamp_min(0))
            assert bool((weight == 0).any()), "what is smaller than the step becomes zero, not its opposite"
        else:
            assert torch.equal(weight, before[name])


def test_muon_scales_gpt2s_transposed_matrices_by_inputs_and_outputs() -> None:
    weights = MasterWeights(build("gpt2"), "fp32")
    assert weights.matrices["transformer.h.0.mlp.c_fc.weight"] is True
    wide = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    moved = []
    for gradient, transposed in ((wide.T.contiguous(), False), (wide, True)):
        given = {"m": torch.zeros_like(gradient)}
        Muon(given, {"m": transposed}, params(weight_decay=0.0), torch.float32).step({"m": gradient}, 1.0, 1)
        moved.append(given["m"] if transposed else given["m"].T)
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-4, atol=1e-6)


def test_a_diverged_run_says_so(make_job) -> None:
    with pytest.raises(BadInput, match=r"diverged.*lower learning_rate"):
        finetune(make_job("m"), params(learning_rate=1e30, optimizer="adamw", warmup=0))


def test_early_stopping_counts_validations_without_improvement() -> None:
    early_stopping = EarlyStopping(2)
    assert [early_stopping.update(loss) for loss in (3.0, 2.0, 2.5)] == [True, True, False]
    assert not early_stopping.should_stop
    assert not early_stopping.update(2.0)
    assert early_stopping.should_stop
    assert not EarlyStopping(None, without_improvement=99).should_stop


def test_each_batch_of_a_validation_is_a_heartbeat(make_job, make_listener) -> None:
    job = replace(make_job("m"), reporter=make_listener())
    finetune(job, params(steps=8, batch=4, evaluate_every=4))
    assert job.reporter.beats >= 2 * 3, "two validations of 12 pairs, 4 to a batch"


def test_early_stopping_ends_the_run_and_keeps_the_best_weights(tmp_path: Path, make_job) -> None:
    wild = params(steps=400, evaluate_every=10, patience=2, optimizer="adamw", learning_rate=0.05, warmup=0.0, decay=0.0)
    result = finetune(make_job("m"), wild)
    history = json.loads((tmp_path / "m/history.json").read_text())
    losses = [row["validation_loss"] for row in history]
    assert result.metrics["steps"] < 400
    assert result.metrics["validation_loss"] == min(losses) == losses[-3]
    shorter = params(**{**wild.model_dump(), "steps": int(history[-3]["step"]), "patience": 99})
    finetune(make_job("s"), shorter)
    assert (tmp_path / "s/model.safetensors").read_bytes() == (tmp_path / "m/model.safetensors").read_bytes()


@pytest.mark.parametrize(("family", "precision"), [("t5_copy", "bf16"), ("gpt2", "fp32")])
def test_training_learns_and_the_result_answers(family: str, precision: str, tmp_path: Path, make_job, make_tokens) -> None:
    tokens = make_tokens(tmp_path / "tokens", pairs=800)
    config = (
        {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2}
        if family == "t5_copy"
        else {"n_embd": 64, "n_layer": 2, "n_head": 2}
    )
    model = Model(family=family, config=config, context=40)
    learning = params(steps=120 if family == "t5_copy" else 300, batch=16, evaluate_every=60, patience=99, precision=precision)
    result = finetune(make_job("m", model, tokens), learning)
    assert result.metrics["validation_loss"] < 0.85 * np.log(51)
    loaded = load_model(tmp_path / "m")
    prompts = [prompt_ids(source, loaded.info.vocabulary, loaded.model.kind).tolist() for source in ([20, 30, 40], [50, 21, 33])]
    outputs = generate(loaded, prompts, 8)
    assert all(set(output) <= set(source) for output, source in zip(outputs, ([20, 30, 40], [50, 21, 33]), strict=True))


def test_fine_tuning_starts_from_pretrained_weights(tmp_path: Path, make_job) -> None:
    result = pretrain_model(make_job("base"), Pretraining(objective="span_corruption", steps=3, batch=4, precision="fp32"))
    assert result.environment == {"device": "cpu", "threads": "1", "kernel": "eager", "precision": "fp32", "processes": "1"}
    frozen = params(steps=1, learning_rate=1e-12, matrix_learning_rate=1e-12, weight_decay=0.0)
    finetune(make_job("m"), frozen, tmp_path / "base")
    first, second = (load_model(tmp_path / name).info for name in ("base", "m"))
    assert (second.architecture, second.seed) == (first.architecture, first.seed), "the model before its first step can be built again"
    base, tuned = (dict(load_model(tmp_path / name).model.named_parameters()) for name in ("base", "m"))
    for name, weight in base.items():
        torch.testing.assert_close(weight, tuned[name], rtol=0, atol=1e-8)


def test_a_base_with_another_tokenizer_or_too_few_positions_is_refused(tmp_path: Path, make_job) -> None:
    pretrain_model(make_job("base", tiny_section("gpt2")), Pretraining(objective="causal_lm", steps=1, batch=4))
    with pytest.raises(BadInput, match=r"model\.context 400; expected at most"):
        finetune(make_job("m", tiny_section("gpt2", context=400)), params(), tmp_path / "base")
    (tmp_path / "base/tokenizer.json").write_text("{}")
    with pytest.raises(BadInput, match="another tokenizer"):
        finetune(make_job("m", tiny_section("gpt2")), params(), tmp_path / "base")


def test_devices_and_kernels() -> None:
    cpu = torch.device("cpu")
    assert (choose_kernel(cpu, 128), choose_kernel(cpu, 2048), choose_kernel(torch.device("cuda"), 128)) == ("eager", "sdpa", "sdpa")
