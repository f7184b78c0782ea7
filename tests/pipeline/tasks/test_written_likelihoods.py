"""The likelihood of references: what the losses of the model give, over the whole reference."""

from __future__ import annotations

import math

import pytest
from fixtures.documents import document

from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.serving.answer import Answerer
from pipeline.tokens.text_encoder import encoder_of


@pytest.mark.parametrize("family", ["t5_copy", "t5", "gpt2"])
def test_the_whole_reference_counts(make_model, family) -> None:
    answerer = Answerer.load(make_model(family, seed=5, sharp=2.0))
    examples = [document(1, "Takes the file.", "Open the file."), document(2, "A much longer text " * 9, "Close the lock, naïvely.")]
    encode = encoder_of(answerer.loaded).encode
    for one, said in zip(examples, answerer.likelihoods(examples), strict=True):
        source = encode([f"{one.name}: {one.text}" if one.name else one.text])[0][:48].tolist()
        target = [*encode([one.target])[0].tolist(), answerer.loaded.info.vocabulary.eos]
        if not one.name:
            assert said.nats == pytest.approx(negative_log_likelihoods(answerer.loaded, [source], [target])[0], rel=1e-4)
        assert said.tokens == len(target)
        assert said.bytes == len(one.target.encode())


@pytest.mark.parametrize(("family", "left"), [("gpt2", 96 - 48 - 2), ("bart", 96)])
def test_a_context_too_short_for_a_reference_cuts_its_bytes_too(make_model, family: str, left: int) -> None:
    """A decoder's context holds source, <bos> and <sep> too; an encoder-decoder has positions for the answer alone."""
    answerer = Answerer.load(make_model(family))
    long = document(1, "word " * 60, " ".join(f"q{index}z" for index in range(90)))
    (said,) = answerer.likelihoods([long])
    assert said.tokens == left
    assert 0 < said.bytes < len(long.target.encode())


def test_perplexity_of_an_untrained_model_is_about_the_vocabulary(make_model) -> None:
    answerer = Answerer.load(make_model("gpt2", seed=1, sharp=1.0))
    said = answerer.likelihoods([document(index, target=f"Open file {index}.") for index in range(9)])
    assert math.exp(sum(one.nats for one in said) / sum(one.tokens for one in said)) == pytest.approx(400, rel=0.15)
