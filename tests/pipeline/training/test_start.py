"""Start from a base: its context, and what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from fixtures.starts import CONTEXT, pretrained_folder

from pipeline.errors import BadInput
from pipeline.families.kinds import LANGUAGE_HEAD, Head
from pipeline.models.build import HeadSpec
from pipeline.recipe import Model
from pipeline.reporter import SilentReporter
from pipeline.tokens.tokenizer_folder import copy_from_base
from pipeline.training.job import TrainingJob
from pipeline.training.start import start_model
from pipeline.training.token_folder import TokenFolder

if TYPE_CHECKING:
    from pathlib import Path


def start(base: Path, tmp_path: Path, context: int | None = None):
    """Start as pretraining does, with the tokens of the base's tokenizer."""
    tokens = TokenFolder(tmp_path, copy_from_base(base, tmp_path / "tokenizer"))
    job = TrainingJob(tmp_path, Model(start="x", context=context), tmp_path, "cpu", 1, SilentReporter(), None, base=base)
    return start_model(job, tokens, lambda kind: HeadSpec(LANGUAGE_HEAD[kind]), 0.0, 0)


@pytest.mark.parametrize(
    ("family", "context"), [("bert", CONTEXT), ("roberta", CONTEXT - 2), ("gpt2", CONTEXT), ("llama", CONTEXT), ("t5", 128)]
)
@torch.no_grad()
def test_the_context_is_what_the_positions_of_the_base_allow(family: str, context: int, tmp_path: Path) -> None:
    model, info = start(pretrained_folder(tmp_path / "base", family), tmp_path)
    assert info.context == context
    ids = torch.full((1, context), 9)
    model.core(input_ids=ids, **({"decoder_input_ids": ids} if family == "t5" else {}))


def test_a_decoder_without_padding_classifies_a_batch(tmp_path: Path) -> None:
    """GPT-2's configuration names no padding, by which transformers finds the last token of a row."""
    base = pretrained_folder(tmp_path / "base", "gpt2")
    tokens = TokenFolder(tmp_path, copy_from_base(base, tmp_path / "tokenizer"))
    job = TrainingJob(tmp_path, Model(start="x"), tmp_path, "cpu", 1, SilentReporter(), None, base=base)
    spec = HeadSpec(Head.SEQUENCE_CLASSIFICATION, ("a", "b"), "single_label_classification")
    model, _ = start_model(job, tokens, lambda _: spec, 0.0, 0)
    pad = tokens.vocabulary.pad
    alone, both = torch.tensor([[5, 6]]), torch.tensor([[5, 6, pad], [7, 8, 9]])
    torch.testing.assert_close(model.eval().core(both).logits[:1], model.core(alone).logits)


def test_a_shorter_context_is_taken_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    base = pretrained_folder(tmp_path / "base", "roberta")
    assert start(base, tmp_path, 20)[1].context == 20
    with pytest.raises(BadInput, match=f"model.context {CONTEXT}; expected at most {CONTEXT - 2}, the positions of the base model"):
        start(base, tmp_path, CONTEXT)
