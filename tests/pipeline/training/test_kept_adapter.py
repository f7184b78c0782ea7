"""An adapter that is kept beside its base: the files, what opens them, going on from it, and resume."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from fixtures.families import finetune, tiny_section
from safetensors.torch import load_file

from pipeline.errors import BadInput
from pipeline.models.adapters import adapter_of
from pipeline.models.files import load_model
from pipeline.recipe import Finetuning, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.tasks.classification.section import Classification
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OBJECTIVES = {"llama": "causal_lm", "gpt2": "causal_lm", "t5": "span_corruption", "bert": "masked_lm", "modernbert": "masked_lm"}
CLASSIFY = {"kind": "classification", "max_tokens": 24}


def params(**changes: Any) -> Finetuning:
    lora = {"rank": 2, "keep": "adapter", **changes.pop("lora", {})}
    common = {"steps": 4, "batch": 8, "evaluate_every": 2, "checkpoint_every": 2, "dropout": 0.0, "precision": "fp32"}
    return Finetuning.model_validate({**common, "optimizer": "adamw", "learning_rate": 0.05, **changes, "lora": lora})


@pytest.fixture
def job(tokens: Path, tmp_path: Path, make_shelf) -> Callable[..., TrainingJob]:
    def make(label: str, family: str) -> TrainingJob:
        shelf = make_shelf(tmp_path / f"checkpoints-{label}")
        return TrainingJob(tokens, tiny_section(family), tmp_path / label, "cpu", 1, SilentReporter(), shelf)

    return make


@pytest.fixture
def base(job, tmp_path: Path) -> Callable[[str], Path]:
    """A base of a family, pretrained for one step."""

    def make(family: str) -> Path:
        pretrain_model(job(f"base-{family}", family), Pretraining(objective=OBJECTIVES[family], steps=1, batch=4, precision="fp32"))
        return tmp_path / f"base-{family}"

    return make


@torch.no_grad()
def outputs(folder: Path) -> torch.Tensor:
    """What a model gives for some ids: logits, or the states below a head of ours."""
    model = load_model(folder).model
    ids = torch.arange(20, 32)[None]
    given = {"decoder_input_ids": ids} if model.core.config.is_encoder_decoder else {}
    return model.core(input_ids=ids, **given)[0]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("family", ["llama", "gpt2", "t5"])
def test_the_folder_is_a_peft_adapter_beside_the_unchanged_base(family: str, job, base, tmp_path: Path) -> None:
    start = base(family)
    finetune(job("kept", family), params(), start)
    finetune(job("merged", family), params(lora={"keep": None}), start)
    kept = tmp_path / "kept"
    assert all(".lora_" in name and name.startswith("base_model.model.") for name in load_file(kept / "adapter_model.safetensors"))
    assert json.loads((kept / "adapter_config.json").read_text())["peft_type"] == "LORA"
    for name in ("config.json", "model.safetensors"):
        assert (kept / "base" / name).read_bytes() == (start / name).read_bytes()
    assert not (kept / "model.safetensors").exists()
    torch.testing.assert_close(outputs(kept), outputs(tmp_path / "merged"), rtol=0, atol=1e-5)
    assert not torch.allclose(outputs(kept), outputs(start), atol=1e-3)


@pytest.mark.parametrize(
    ("family", "task"),
    [
        ("llama", CLASSIFY),
        ("bert", CLASSIFY),
        ("bert", {**CLASSIFY, "pooling": "first"}),
        ("modernbert", CLASSIFY),
        ("bert", {"kind": "tagging", "max_tokens": 24}),
    ],
)
def test_a_head_is_trained_and_kept_with_the_adapter(family: str, task: dict[str, Any], job, base, tmp_path: Path) -> None:
    from pipeline.tasks.tagging.section import Tagging

    start = base(family)
    section = Tagging.model_validate(task) if task["kind"] == "tagging" else Classification.model_validate(task)
    finetune(job("kept", family), params(), start, section)
    finetune(job("merged", family), params(lora={"keep": None}), start, section)
    for label in ("kept", "merged"):
        assert (load_model(tmp_path / label).model.head is not None) == (family == "bert" and task == CLASSIFY)
    torch.testing.assert_close(outputs(tmp_path / "kept"), outputs(tmp_path / "merged"), rtol=0, atol=1e-5)


def test_two_trainings_share_the_bytes_of_the_base(job, base, tmp_path: Path) -> None:
    """Also where the base lacks names of the model, so that its weights are written again."""
    section = Classification.model_validate({**CLASSIFY, "pooling": "first"})
    start = base("bert")
    for label, rate in (("a", 0.05), ("b", 0.01)):
        finetune(job(label, "bert"), params(learning_rate=rate), start, section)
    assert digests(tmp_path / "a/base") == digests(tmp_path / "b/base")
    assert digests(tmp_path / "a")["adapter_model.safetensors"] != digests(tmp_path / "b")["adapter_model.safetensors"]


def test_a_new_model_keeps_its_random_weights_as_the_base(job, tmp_path: Path) -> None:
    finetune(job("kept", "llama"), params())
    finetune(job("merged", "llama"), params(lora={"keep": None}))
    torch.testing.assert_close(outputs(tmp_path / "kept"), outputs(tmp_path / "merged"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_training_goes_on_from_a_kept_adapter(family: str, job, base, tmp_path: Path) -> None:
    """The same adapter is trained on, and the base stays; another shape, or none, begins with the merged weights."""
    section = None if family == "llama" else Classification.model_validate({**CLASSIFY, "pooling": "first"})
    finetune(job("first", family), params(), base(family), section)
    first, still = tmp_path / "first", {"learning_rate": 1e-20, "weight_decay": 0.0}
    for label, changes in (
        ("same", {}),
        ("wider", {"lora": {"rank": 3}}),
        ("merged", {"lora": {"keep": None}}),
    ):
        finetune(job(label, family), params(**still, **changes), first, section)
        torch.testing.assert_close(outputs(tmp_path / label), outputs(first), rtol=0, atol=1e-5)
    assert digests(tmp_path / "same/base") == digests(first / "base")
    assert digests(tmp_path / "wider/base") != digests(first / "base")
    assert adapter_of(load_model(tmp_path / "merged").model.core) is None
    moved = finetune(job("moved", family), params(), first, section)
    assert digests(tmp_path / "moved/base") == digests(first / "base")
    assert not torch.allclose(outputs(tmp_path / "moved"), outputs(first), atol=1e-4)
    assert moved.metrics["trained_parameters"] < moved.metrics["parameters"]


def test_every_weight_is_trained_again_after_a_kept_adapter(job, base, tmp_path: Path) -> None:
    finetune(job("first", "llama"), params(), base("llama"))
    changes = {"steps": 2, "batch": 8, "evaluate_every": 2, "precision": "fp32", "optimizer": "adamw"}
    result = finetune(job("all", "llama"), Finetuning.model_validate(changes), tmp_path / "first")
    assert result.metrics["trained_parameters"] == result.metrics["parameters"]


def test_pretraining_goes_on_from_a_kept_adapter_of_another_head(job, base, tmp_path: Path) -> None:
    """The classifier's core has no prefix, the model with the language head has one."""
    finetune(job("first", "bert"), params(), base("bert"), Classification.model_validate(CLASSIFY))
    again = Pretraining(objective="masked_lm", steps=1, batch=4, optimizer="adamw", learning_rate=1e-20, weight_decay=0.0)
    pretrain_model(replace(job("again", "bert"), base=tmp_path / "first"), again)
    with torch.no_grad():
        ids = torch.arange(20, 32)[None]
        ours = load_model(tmp_path / "again").model.core.bert(ids).last_hidden_state
    torch.testing.assert_close(ours, outputs(tmp_path / "first"), rtol=0, atol=1e-5)


def test_a_killed_training_gives_the_same_bytes_after_resume(job, base, make_listener, tmp_path: Path) -> None:
    start = base("llama")
    finetune(job("whole", "llama"), params(steps=6), start)
    killed = replace(job("killed", "llama"), reporter=make_listener(die_after=3))
    with pytest.raises(KeyboardInterrupt):
        finetune(killed, params(steps=6), start)
    assert killed.checkpoints.steps
    finetune(replace(killed, reporter=SilentReporter()), params(steps=6), start)
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")


def test_an_adapter_without_peft_is_refused(job, base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finetune(job("kept", "llama"), params(), base("llama"))
    monkeypatch.setitem(sys.modules, "peft", None)
    monkeypatch.setattr("pipeline.models.build.find_spec", lambda _: None)
    with pytest.raises(BadInput, match="holds an adapter, and peft is not installed; fix: install peft"):
        load_model(tmp_path / "kept")
