"""The likelihood of references: what generation gives them step by step."""

from __future__ import annotations

import math

import pytest
import torch
from fixtures.documents import document

from pipeline.evaluation.likelihood import likelihoods
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.models.files import load_model
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer

PROGRESS = PassProgress(SilentReporter(), before=0, total=0)


def found(loaded, documents):
    return likelihoods(loaded, documents, [one.target for one in documents], 8, PROGRESS)


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_likelihood_is_what_generation_step_by_step_gives_the_reference(make_model, family) -> None:
    loaded = load_model(make_model(family, seed=5, sharp=2.0))
    examples = [document(1, "Takes the file.", "Open the file."), document(2, "A much longer text " * 9, "Close the lock, naïvely.")]
    for one, said in zip(examples, found(loaded, examples), strict=True):
        source = Answerer(loaded).encode([one.text], [one.name])[0]
        target = [*loaded.tokenizer.encode(one.target).ids, loaded.model.specials.eos]
        with torch.inference_mode():
            state, last, nats = loaded.model.start_decoding([source], len(source)), loaded.model.start_id, 0.0
            for token in target:
                nats -= float(loaded.model.next_log_probs(state, torch.tensor([last]))[0, token])
                last = token
        assert said.nats == pytest.approx(nats, rel=1e-4)
        assert said.tokens == len(target)
        assert said.bytes == len(one.target.encode())


def test_a_context_too_short_for_a_reference_cuts_its_bytes_too(make_model) -> None:
    loaded = load_model(make_model("gpt2"))
    long = document(1, "word " * 60, " ".join(f"q{index}z" for index in range(90)))
    (said,) = found(loaded, [long])
    assert said.tokens == loaded.model.shape.context - loaded.info.max_source_tokens
    assert 0 < said.bytes < len(long.target.encode())


def test_perplexity_of_an_untrained_model_is_about_the_vocabulary(make_model) -> None:
    loaded = load_model(make_model("gpt2", seed=1, sharp=1.0))
    said = found(loaded, [document(index, target=f"Open file {index}.") for index in range(9)])
    assert math.exp(sum(one.nats for one in said) / sum(one.tokens for one in said)) == pytest.approx(400, rel=0.15)
