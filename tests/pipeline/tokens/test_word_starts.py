"""Words found among token ids are those that the tokenizer itself reports for the text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from pipeline.errors import BadInput
from pipeline.recipe import Tokenizer as Params
from pipeline.tokens.train_tokenizer import make_tokenizer
from pipeline.tokens.word_starts import PROBE, word_starts

LETTERS = "aehmst'. ,-_1234\n\tGößприветмир你好नमस्ते"  # noqa: RUF001 - other scripts are the point
TEXTS = ["The cat's mat isn't here, it sat on the mat.", "over-tuned 3.14 (x_1)", "привет мир", "Größe und größer", PROBE] * 3


def byte_level(*, blank: bool = False, split: bool = False) -> Tokenizer:
    """A byte-level BPE: GPT-2's, with a blank before a text as RoBERTa's, or with a rule of its own as Llama's."""
    tokenizer = Tokenizer(models.BPE())
    words = pre_tokenizers.ByteLevel(add_prefix_space=blank, use_regex=not split)
    own = pre_tokenizers.Split(Regex(r"\p{N}{1,2}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([own, words]) if split else words
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]"], show_progress=False))
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(vocab_size=90, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def suffixed() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(vocab_size=150, end_of_word_suffix="</w>", special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def word_level() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(TEXTS, trainers.WordLevelTrainer(vocab_size=80, special_tokens=["<unk>"], show_progress=False))
    return tokenizer


def ours(kind: str) -> Tokenizer:
    tokenizer = make_tokenizer(TEXTS, Params.model_validate({"kind": kind, "vocabulary": 320, "sentinels": 0}), Path())
    tokenizer.encode_special_tokens = True
    return tokenizer


TOKENIZERS = {
    "byte-level": byte_level(),
    "byte-level with a blank": byte_level(blank=True),
    "byte-level with a rule": byte_level(split=True),
    "WordPiece": word_piece(),
    "Unigram": unigram(),
    "suffix": suffixed(),
    "words": word_level(),
    "WordPiece of this project": ours("wordpiece"),
    "Unigram of this project": ours("unigram"),
}
STARTS = {name: word_starts(tokenizer, "pretraining.whole_words") for name, tokenizer in TOKENIZERS.items()}


def reported(tokenizer: Tokenizer, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids of a text, and which of them begin a word by the tokenizer's own account."""
    encoded = tokenizer.encode(text, add_special_tokens=False)
    words = encoded.word_ids
    return np.array(encoded.ids, dtype=np.int64), np.array([place == 0 or words[place] != words[place - 1] for place in range(len(words))])


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text(alphabet=st.sampled_from(LETTERS), max_size=40))
@settings(max_examples=60, deadline=None)
def test_words_are_those_of_the_tokenizer(name: str, text: str) -> None:
    ids, wanted = reported(TOKENIZERS[name], text)
    # an unknown letter has no suffix; it is a special token, which divides a text anyway
    assume(name != "suffix" or TOKENIZERS[name].token_to_id("<unk>") not in ids)
    assert STARTS[name](ids).tolist() == wanted.tolist()


@pytest.mark.parametrize("name", ["byte-level", "byte-level with a blank", "WordPiece"])
def test_a_part_of_a_text_has_the_words_of_the_whole(name: str) -> None:
    """But for its first word, and for blanks at its end, whose words depend on what follows."""
    ids, wanted = reported(TOKENIZERS[name], "The naïve cat's mat, isn't it? привет мир 你好 wow")
    for begin in range(len(ids)):
        found = STARTS[name](ids[begin:])
        assert found[0]
        assert found[1:].tolist() == wanted[begin + 1 :].tolist()


def test_an_added_word_is_a_word_and_divides_a_text() -> None:
    tokenizer = byte_level()
    tokenizer.add_tokens([AddedToken("catamaran", normalized=False), AddedToken("   ", normalized=False)])
    starts = word_starts(tokenizer, "x")
    for text in ("a catamaran's mast", "catamaran", "a   mat   catamaranx"):
        ids, wanted = reported(tokenizer, text)
        assert starts(ids).tolist() == wanted.tolist()
    assert starts(np.array([], dtype=np.int64)).tolist() == []


def test_a_tokenizer_whose_ids_do_not_tell_words_is_refused_in_one_line() -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=150, show_progress=False))
    with pytest.raises(
        BadInput, match=r"pretraining\.whole_words with a tokenizer \(BPE\) whose token ids do not tell.*fix: remove pretraining"
    ):
        word_starts(tokenizer, "pretraining.whole_words")
    data = json.loads(unigram().to_str())
    data["pre_tokenizer"]["pretokenizers"].append({"type": "Digits", "individual_digits": True})
    with pytest.raises(BadInput, match=r"tokenizer \(Unigram\) whose token ids do not tell"):
        word_starts(Tokenizer.from_str(json.dumps(data)), "pretraining.whole_words")
