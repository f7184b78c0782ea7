"""Tagging: pieces and tags, the loss, predictions for cut tokens, and the rows of a request."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.documents import document
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from pipeline.corpus.cleaning.text_cleaner import TextCleaner
from pipeline.errors import BadInput
from pipeline.families.kinds import Head, Kind
from pipeline.metrics.base import Prediction
from pipeline.metrics.load_metric import load_metric
from pipeline.models.batch import IGNORED
from pipeline.models.build import HeadSpec
from pipeline.models.files import load_model
from pipeline.serving.answer import Answerer
from pipeline.tasks.parts import part
from pipeline.tasks.tagging.batch import tagged_batch
from pipeline.tasks.tagging.encode import NONE, first_pieces
from pipeline.tasks.tagging.feed import tag_losses
from pipeline.tasks.tagging.section import Tagging
from pipeline.tasks.tagging.tokens import join_tokens
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.models.files import Loaded

LABELS = ("B-LOC", "I-LOC", "O")
SECTION = {"kind": "tagging", "max_tokens": 24}
TASK = Tagging.model_validate(SECTION)
FAMILIES = ["bert", "modernbert", "gpt2", "llama"]


@pytest.fixture(scope="module")
def load(make_model: Callable[..., Path]) -> Callable[..., Loaded]:
    def make(family: str, labels: tuple[str, ...] = LABELS) -> Loaded:
        return load_model(make_model(family, task=SECTION, head=HeadSpec(Head.TOKEN_CLASSIFICATION, labels)))

    return make


def tagged(index: int, tokens: list[str], tags: list[str] | None = None) -> Any:
    return document(index, join_tokens(tokens), None if tags is None else json.dumps(tags))


def test_the_first_piece_of_a_token_carries_its_tag(load: Callable[..., Loaded]) -> None:
    loaded = load("bert")
    tokens = ["Zürich", "naïve", "New York", "日本語", "!", "the"]
    one = tagged(1, tokens, ["B-LOC", "O", "B-LOC", "I-LOC", "O", "O"])
    encode, encoder = part(Tagging(kind="tagging", max_tokens=120), "encode"), encoder_of(loaded)
    (pieces,) = encode.pieces([one], encoder)
    for place, token in zip(pieces.first, tokens, strict=True):
        piece = loaded.tokenizer.decode([int(pieces.ids[place])]).strip(" ")
        assert token.startswith(piece.rstrip("\ufffd")), (token, piece)
    assert len(set(pieces.first.tolist())) == len(tokens)
    assert loaded.tokenizer.decode(pieces.ids.tolist()) == one.text
    (row,) = encode.encode([one], encoder, Counter(), "train")
    assert [LABELS[number] for number in row["tags"]] == json.loads(one.target)
    assert np.array_equal(row["places"], pieces.first)


def word_piece() -> Tokenizer:
    vocabulary = ["[UNK]", "zur", "##ich", "is", "new", "york", "'", "s", "u", "."]
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(strip_accents=True), pre_tokenizers.BertPreTokenizer()
    return made


def unigram() -> Tokenizer:
    pieces = ["<unk>", "▁", "▁Zür", "ich", "▁is", "▁New", "▁York", "'s", "U", ".", "S"]
    made = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    return made


def bytes_after_blanks() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({character: number for number, character in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    return made


@pytest.mark.parametrize("make", [word_piece, unigram, bytes_after_blanks])
def test_offsets_of_each_kind_of_tokenizer_say_which_piece_begins_a_token(make: Callable[[], Tokenizer]) -> None:
    text = join_tokens(["Zürich", "'s", "New York", "is", "U.S."])
    row = make().encode(text, add_special_tokens=False)
    begins = [row.offsets[place][0] for place in first_pieces(text, row.offsets)]
    starts = [0, 7, 10, 19, 22]
    # a piece that holds a blank and the character after it begins at the blank
    assert [begin + (text[begin] == " ") for begin in begins] == starts


def test_a_tokenizer_that_drops_characters_leaves_tokens_without_a_piece() -> None:
    text = join_tokens(["Zürich", "\u200b", "is"])
    row = word_piece().encode(text, add_special_tokens=False)
    assert first_pieces(text, row.offsets).tolist()[1] == NONE
    assert first_pieces("", []).tolist() == []


def test_what_is_cut_is_counted_and_tags_unknown_to_training_are_left_out(load: Callable[..., Loaded]) -> None:
    encode, encoder, counts = part(TASK, "encode"), encoder_of(load("bert")), Counter[str]()
    documents = [tagged(1, ["the"] * 30, ["O"] * 30), tagged(2, ["the"], ["B-PER"]), tagged(3, ["the"], ["O"])]
    rows = list(encode.encode(documents, encoder, counts, "train"))
    assert len(rows) == 2
    assert len(rows[0]["text"]) == 24 - 2
    assert counts == {"unknown_labels_train": 1, "cut_tokens_train": 30 - len(rows[0]["tags"])}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_transformers_own(load: Callable[..., Loaded], family: str) -> None:
    loaded = load(family)
    encoder = encoder_of(loaded)
    documents = [tagged(1, ["Open", "Paris", "now"], ["O", "B-LOC", "O"]), tagged(2, ["New", "York"], ["B-LOC", "I-LOC"])]
    rows = list(part(TASK, "encode").encode(documents, encoder, Counter(), "train"))
    fields = ([row[name] for row in rows] for name in ("text", "places", "tags"))
    batch = tagged_batch(*fields, encoder.vocabulary, loaded.model.kind)
    with torch.no_grad():
        ours = tag_losses(loaded.model, batch)
        theirs = loaded.model.core(**loaded.model.inputs(batch), labels=batch.labels).loss
    assert len(ours) == batch.label_count == 5
    torch.testing.assert_close(ours.mean(), theirs, rtol=1e-5, atol=1e-6)


def test_padding_and_special_tokens_predict_nothing(load: Callable[..., Loaded]) -> None:
    vocabulary = load("bert").info.vocabulary
    texts, firsts, tags = ([np.array(one) for one in rows] for rows in ([[30, 31, 32], [33]], [[0, 2], [0]], [[2, 1], [0]]))
    batch = tagged_batch(texts, firsts, tags, vocabulary, Kind.ENCODER)
    assert batch.inputs["input_ids"].tolist() == [[2, 30, 31, 32, 1, 0, 0, 0], [2, 33, 1, 0, 0, 0, 0, 0]]
    assert batch.labels.tolist() == [[IGNORED, 2, IGNORED, 1, *[IGNORED] * 4], [IGNORED, 0, *[IGNORED] * 6]]
    decoder = tagged_batch(texts, firsts, tags, vocabulary, Kind.DECODER)
    assert decoder.inputs["input_ids"].tolist() == [[2, 30, 31, 32], [2, 33, 0, 0]]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_token_gets_a_tag_alone_and_in_company(load: Callable[..., Loaded], family: str) -> None:
    answerer = Answerer(load(family))
    documents = [tagged(1, ["Open", "Paris"]), tagged(2, ["the"] * 40), tagged(3, ["日本語", "\u200b"]), tagged(4, [])]
    together = answerer.predict(documents)
    assert [len(one.answer) for one in together] == [2, 40, 2, 0]
    for one, said in zip(documents, together, strict=True):
        (alone,) = answerer.predict([one])
        assert alone.answer == said.answer
        assert alone.numbers == pytest.approx(said.numbers, abs=1e-5)
    cut = part(TASK, "encode").pieces([documents[1]], encoder_of(answerer.loaded))[0].first == NONE
    assert cut.any()
    assert {tag for tag, gone in zip(together[1].answer, cut, strict=True) if gone} == {"O"}
    assert {number for number, gone in zip(together[1].numbers, cut, strict=True) if gone} == {0.0}


def test_without_an_outside_tag_what_is_cut_gets_the_tag_the_text_has_most_often(load: Callable[..., Loaded]) -> None:
    loaded = load("bert", ("NOUN", "VERB", "DET"))
    one = tagged(1, ["the"] * 40)
    (said,) = Answerer(loaded).predict([one])
    kept = part(TASK, "encode").pieces([one], encoder_of(loaded))[0].first != NONE
    counted = Counter(tag for tag, there in zip(said.answer, kept, strict=True) if there)
    assert {tag for tag, there in zip(said.answer, kept, strict=True) if not there} == {counted.most_common(1)[0][0]}


def test_rows_hold_tokens_or_a_text() -> None:
    serving = part(TASK, "serving")
    assert serving.document({"tokens": ["New York", "is\u200b"], "text": float("nan")}, TextCleaner()).text == "New\u00a0York is"
    assert serving.document({"tokens": float("nan"), "text": " New  York\nis"}, TextCleaner()).text == "New York is"
    assert serving.document({"tokens": np.array(["a", "b"], dtype=object)}, TextCleaner()).text == "a b"
    assert serving.document({}, TextCleaner()).text == serving.document({"tokens": None, "text": None}, TextCleaner()).text == ""
    rows = serving.rows([Prediction(["O", "B-LOC"], numbers=(0.5, 0.25)), Prediction([], numbers=())])
    assert rows == {"tags": [["O", "B-LOC"], []], "scores": [[0.5, 0.25], []]}


def test_an_encoder_decoder_is_refused_in_one_line() -> None:
    with pytest.raises(BadInput, match="task tagging with an encoder-decoder; expected an encoder or a decoder"):
        part(TASK, "model").head(Kind.ENCODER_DECODER, LABELS)


def test_spans_are_scored_by_span_f1_and_single_tags_by_token() -> None:
    assert part(TASK, "scoring").metrics == ("span_f1", "token_accuracy")
    assert part(Tagging(kind="tagging", spans=False), "scoring").primary == "token_accuracy"
    metric = load_metric("token_accuracy")
    rows = metric.statistics([["A", "B", "A"], ["B"]], [Prediction(["A", "A"]), Prediction(["B"])])
    assert float(metric.value(rows.sum(axis=0))) == pytest.approx(100 * 2 / 4)
