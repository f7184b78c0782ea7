"""The family of static word vectors: one vector for each token, wherever it is, in a folder that needs no code of ours to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fixtures.families import tiny_architecture, tiny_vocabulary
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pipeline.errors import BadInput
from pipeline.families.kinds import Head, Kind
from pipeline.models.batch import Batch
from pipeline.models.build import HeadSpec, kind_of_class, new_model
from pipeline.models.copying.t5 import T5Copy
from pipeline.models.files import load_base, load_model
from pipeline.models.word_vectors import SkipGram, WordVectors
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECTION = {"kind": "embedding", "max_tokens": 40}


def test_a_class_says_its_kind() -> None:
    assert (kind_of_class(WordVectors), kind_of_class(T5Copy)) == (Kind.STATIC, Kind.ENCODER_DECODER)


def test_a_token_has_the_same_vector_everywhere(make_model: Callable[..., Path]) -> None:
    model = load_model(make_model("word_vectors", task=SECTION, head=HeadSpec(Head.NONE))).model
    ids = torch.tensor([[7, 8, 9], [9, 9, 7]])
    with torch.no_grad():
        states = model(Batch({"input_ids": ids}, ids)).last_hidden_state
    assert torch.equal(states[0, 0], states[1, 2])
    assert torch.equal(states[0, 2], states[1, 0])
    assert not torch.equal(states[0, 0], states[0, 1])


def test_a_base_loses_its_second_table_and_keeps_its_vectors(make_model: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_model("word_vectors")
    base = load_model(folder).model
    capfd.readouterr()
    bare = load_base(folder, HeadSpec(Head.NONE), 0.0, 0)
    assert (type(base.core), type(bare.core)) == (SkipGram, WordVectors)
    assert torch.equal(base.core.words.embedding.weight, bare.core.embedding.weight)
    assert list(bare.named_weights()) == ["embedding.weight"]
    assert "around" not in "".join(capfd.readouterr()), "a table that is left out on purpose is not worth a warning"


def test_safetensors_and_tokenizers_alone_give_the_served_vector(make_model: Callable[..., Path]) -> None:
    folder = make_model("word_vectors", task=SECTION, head=HeadSpec(Head.NONE))
    (served,) = Answerer.load(folder).answer([{"text": "Open the file of the request."}])["vector"]
    table = load_file(folder / "model.safetensors")["embedding.weight"]
    mean = table[Tokenizer.from_file(str(folder / "tokenizer.json")).encode("Open the file of the request.").ids].mean(axis=0)
    np.testing.assert_allclose(served, mean / np.linalg.norm(mean), rtol=1e-5, atol=1e-6)


def test_dropout_is_the_recipes() -> None:
    model = new_model(tiny_architecture("word_vectors"), tiny_vocabulary(), HeadSpec(Head.NONE), dropout=0.5, seed=0)
    ids = torch.arange(14, 54)[None]
    assert float((model(Batch({"input_ids": ids}, ids)).last_hidden_state == 0).float().mean()) == pytest.approx(0.5, abs=0.1)


def test_a_head_that_needs_the_text_around_is_refused() -> None:
    with pytest.raises(BadInput, match="family word_vectors has no TokenClassification head"):
        new_model(tiny_architecture("word_vectors"), tiny_vocabulary(), HeadSpec(Head.TOKEN_CLASSIFICATION, ("a", "b")), 0.0, 0)
