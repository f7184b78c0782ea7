"""Language models: the likelihood of texts, also of long ones, continuations, and what stays in the model folder."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.cleaned import document_of
from fixtures.documents import document

from pipeline.corpus.documents import Document, Record
from pipeline.models.files import load_model
from pipeline.recipe import Filter
from pipeline.serving.answer import Answerer
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.language_model.windows import framed_text, windows
from pipeline.tasks.parts import part
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.models.files import Loaded

SECTION: dict[str, Any] = {"kind": "language_model", "max_new_tokens": 8}
TASK = LanguageModel.model_validate(SECTION)
FAMILIES = ["gpt2", "llama"]


@pytest.fixture(scope="module")
def load(make_model: Callable[..., Path]) -> Callable[..., Loaded]:
    return lambda family: load_model(make_model(family, task=SECTION, sharp=2.0))


def test_a_record_keeps_its_text_alone() -> None:
    rules = Filter(min_chars=5)
    found = document_of(part(TASK, "examples"), Record("Takes the  file.", "Open it.", "a.b", pair="Other."), rules)
    assert isinstance(found, Document)
    assert (found.text, found.target, found.pair) == ("Takes the file.", None, None)
    assert document_of(part(TASK, "examples"), Record("x"), rules) == "too_short"


def test_there_are_texts_and_no_examples(load: Callable[..., Loaded]) -> None:
    encode = part(TASK, "encode")
    assert encode.stream_texts(document(1, "Takes the file.")) == ["Takes the file."]
    assert list(encode.encode([document(1)], encoder_of(load("gpt2")), Counter(), "train")) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_the_likelihood_is_transformers_own_loss(load: Callable[..., Loaded], family: str) -> None:
    loaded = load(family)
    texts = ["Takes the file.", "naïve café: 日本語", "Opens the socket that was given, without waiting."]
    said = Answerer(loaded, batch=2).likelihoods([document(index, text) for index, text in enumerate(texts)]) or []
    for text, one in zip(texts, said, strict=True):
        ids = torch.from_numpy(framed_text(encoder_of(loaded).encode([text])[0], loaded.info.vocabulary))[None]
        with torch.no_grad():
            theirs = loaded.model.core(input_ids=ids, labels=ids).loss
        assert one.tokens == ids.shape[1] - 1
        assert one.nats / one.tokens == pytest.approx(float(theirs), rel=1e-5)
        assert one.bytes == len(text.encode())


def test_each_token_of_a_long_text_is_predicted_once() -> None:
    ids = np.arange(100)
    parts = windows(ids, 32)
    assert np.concatenate([one[1:] for one in parts]).tolist() == ids[1:].tolist()
    assert max(map(len, parts)) == 33
    assert all(left[-1] == right[0] for left, right in pairwise(parts))
    assert windows(np.arange(2), 32)[0].tolist() == [0, 1]


def test_a_long_text_and_company_change_nothing(load: Callable[..., Loaded]) -> None:
    loaded = load("gpt2")
    documents = [document(1, "A long text of many words. " * 40), document(2, "Short.")]
    together = Answerer(loaded).likelihoods(documents) or []
    alone = [(Answerer(loaded, batch=1).likelihoods([one]) or [])[0] for one in documents]
    assert [one.nats for one in together] == pytest.approx([one.nats for one in alone], rel=1e-5)
    assert together[0].tokens > loaded.info.context
    assert together[0].tokens == len(encoder_of(loaded).encode([documents[0].text])[0]) + 1


def test_a_tokenizer_without_a_frame_still_predicts_the_first_token(load: Callable[..., Loaded]) -> None:
    from dataclasses import replace

    from pipeline.families.vocabulary import Frame

    bare = replace(load("gpt2").info.vocabulary, frame=Frame(), bos=None)
    assert framed_text(np.array([7, 8]), bare).tolist() == [bare.eos, 7, 8, bare.eos]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_is_answered_by_its_continuation_and_bits_per_byte(load: Callable[..., Loaded], family: str) -> None:
    answerer = Answerer(load(family))
    columns = answerer.answer([{"text": "Takes the file"}, {"text": ""}, {"text": "word " * 300}, {"text": None}])
    assert [type(text) for text in columns["continuation"]] == [str] * 4
    assert [columns["continuation"][place] for place in (1, 3)] == ["", ""]
    assert [columns["bits_per_byte"][place] for place in (1, 3)] == [None, None]
    (said,) = answerer.likelihoods([document(1, "Takes the file")]) or []
    assert columns["bits_per_byte"][0] == pytest.approx(said.nats / log(2) / said.bytes, rel=1e-5)


def test_bits_per_byte_decide_beside_compression() -> None:
    scoring = part(TASK, "scoring")
    assert (scoring.answers, scoring.primary, scoring.beats) == ("none", "bits_per_byte", ("gzip",))
    assert scoring.reference(document(1, "A text.", None)) == "A text."


def test_progress_of_answering_goes_up_once(make_model) -> None:
    from pipeline.serving.answer import Answerer

    class Listening:
        told: list[int] = []
        beats = 0

        def report(self, done: int) -> None:
            self.told.append(done)

        def beat(self) -> None:
            self.beats += 1

    answerer = Answerer.load(make_model("gpt2", task={"kind": "language_model", "max_new_tokens": 4}), batch=1)
    progress = Listening()
    answerer.predict([answerer.document({"text": f"Opens file {number}."}) for number in range(10)], progress)
    assert progress.told == sorted(set(progress.told))
    assert progress.told[-1] == 10
    assert progress.beats > 10
