"""The fast encoder gives the ids of the tokenizer, or is not used."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from pipeline.recipe import Tokenizer as Params
from pipeline.tokens import encoding
from pipeline.tokens.encoding import EXACT, FAST, choose_encoder, encoder_named, huggingface_encoder, tiktoken_encoding
from pipeline.tokens.train_tokenizer import make_tokenizer

WORDS = [
    "return",
    "the",
    "value",
    "of",
    "naïve",
    "café,",
    "self.x_1",
    "<eos>",
    "don't",
    "",
    "you\n\n\tsee",
    "12",
    "½",
    "東京",
    "🙂",
    "e\u0301",
]


@cache
def trained() -> Tokenizer:
    from pathlib import Path

    texts = [" ".join(WORDS[index % 7 :] * 3) + "aaaa" * (index % 4) for index in range(50)]
    return make_tokenizer(texts, Params(vocabulary=600, min_frequency=1, sentinels=2), Path())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(), st.lists(st.sampled_from([*WORDS, " ", "a", "\n"])).map("".join)), max_size=5))
def test_tiktoken_gives_the_ids_of_the_tokenizer(texts: list[str]) -> None:
    exact, fast = huggingface_encoder(trained())(texts), encoder_named(FAST, trained())(texts)
    assert [ids.tolist() for ids in exact] == [ids.tolist() for ids in fast]


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_decoding_gives_the_text_back(text: str) -> None:
    (ids,) = encoder_named(choose_encoder(trained(), [text]), trained())([text])
    assert trained().decode(ids.tolist(), skip_special_tokens=False) == text


@pytest.mark.parametrize("change", ["normalizer", "words", "prefix", "model", "dropout"])
def test_a_tokenizer_of_another_kind_encodes_by_itself(change: str) -> None:
    other = Tokenizer.from_str(trained().to_str())
    if change == "normalizer":
        other.normalizer = normalizers.Lowercase()
    elif change == "words":
        other.pre_tokenizer = pre_tokenizers.Whitespace()
    elif change == "prefix":
        other.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    elif change == "dropout":
        other.model.dropout = 0.5
    else:
        other.model = models.WordLevel({"a": 0}, unk_token="a")
    assert tiktoken_encoding(other) is None


def test_an_encoder_that_disagrees_on_the_sample_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Don't see 123 cafés"
    monkeypatch.setattr(encoding, "GPT2_WORDS", r"\w|\W")
    expected = trained().encode(text, add_special_tokens=False).ids
    assert list(tiktoken_encoding(trained()).encode_ordinary(text)) != expected
    assert choose_encoder(trained(), [text]) == EXACT
    assert np.array_equal(encoder_named(EXACT, trained())([text])[0], expected)


def test_merges_out_of_order_are_left_to_the_tokenizer() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: index for index, character in enumerate(alphabet)} | {"bc": 256, "ab": 257}
    other = Tokenizer(models.BPE(vocabulary, [("a", "b"), ("b", "c")]))
    other.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert other.encode("abc").tokens == ["ab", "c"]
    assert tiktoken_encoding(other) is None
