"""Embedding: pairs, vectors, the contrastive loss, retrieval, and the rows of a request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.cleaned import document_of
from fixtures.documents import document

from pipeline.corpus.documents import Document, Quarantined, Record
from pipeline.errors import BadInput
from pipeline.families.kinds import Head, Kind
from pipeline.metrics.base import Prediction
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.ranking import RANKED, choose
from pipeline.models.build import HeadSpec
from pipeline.models.files import load_model
from pipeline.recipe import Filter
from pipeline.serving.answer import Answerer
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.embedding.vectors import contrastive_losses, pair_batch, text_tensors, text_vectors
from pipeline.tasks.parts import part
from pipeline.tokens.text_encoder import encoder_of
from pipeline.training.process_group import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.models.files import Loaded

SECTION: dict[str, Any] = {"kind": "embedding", "max_tokens": 24}
TASK = Embedding.model_validate(SECTION)
RULES = Filter(min_chars=1, min_letters=0)
FAMILIES = ["bert", "modernbert", "gpt2", "llama", "word_vectors"]
TEXTS = ["Open the file.", "Close the socket that was given, please.", "naïve 日本語"]


@pytest.fixture(scope="module")
def load(make_model: Callable[..., Path]) -> Callable[..., Loaded]:
    return lambda family: load_model(make_model(family, task=SECTION, head=HeadSpec(Head.NONE)))


def vectors(loaded: Loaded, texts: list[str]) -> torch.Tensor:
    ids = encoder_of(loaded).encode(texts)
    with torch.no_grad():
        return text_vectors(loaded.model, text_tensors(ids, loaded.info.vocabulary, loaded.model.kind))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Record("A text.", pair="Another."), "Another."),
        (Record("A text.", "Another."), "Another."),
        (Record("A text.", "A label.", pair="Another."), "Another."),
        (Record("A text.", ""), None),
        (Record("A text."), None),
        (Record("A text.", 3), "the second text is not text"),
    ],
)
def test_the_second_text_comes_from_the_pair_or_the_target(record: Record, expected: str | None) -> None:
    found = document_of(part(TASK, "examples"), record, RULES)
    if isinstance(found, Quarantined):
        assert found.reason == expected
    else:
        assert isinstance(found, Document)
        assert (found.pair, found.target) == (expected, expected)


def test_neither_text_straddles_and_a_corpus_without_pairs_is_refused(tmp_path: Path) -> None:
    examples = part(TASK, "examples")
    one, other = (document_of(examples, Record(text, "Same second."), RULES) for text in ("A text.", "Another text."))
    assert examples.split_keys(one).also == examples.split_keys(other).also == "same second"
    with pytest.raises(BadInput, match=r"no record has a second text; fix: check data\.source\.columns\.pair"):
        examples.finish(tmp_path)
    examples.add(examples.note(one), "train")
    assert examples.finish(tmp_path) == {"pairs": 1}


def test_pairs_are_encoded_and_cut_and_pretraining_reads_both(load: Callable[..., Loaded]) -> None:
    encode, encoder, counts = part(TASK, "encode"), encoder_of(load("bert")), Counter[str]()
    documents = [document(index, text)._replace(pair=second) for index, (text, second) in enumerate([("a", "word " * 40), ("b", "c")])]
    rows = list(encode.encode(documents, encoder, counts, "train"))
    assert [(len(row["first"]), len(row["second"])) for row in rows] == [(1, 24 - 2), (1, 1)]
    assert counts == {"cut_inputs_train": 1}
    assert encode.stream_texts(documents[1]) == ["b", "c"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_vector_has_length_one_and_does_not_depend_on_padding(load: Callable[..., Loaded], family: str) -> None:
    loaded = load(family)
    together, alone = vectors(loaded, TEXTS), torch.cat([vectors(loaded, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(TEXTS)))


def test_an_encoder_is_pooled_by_the_mean_and_a_decoder_by_its_last_state(load: Callable[..., Loaded]) -> None:
    for family, pool in (("bert", lambda states: states.mean(dim=1)), ("gpt2", lambda states: states[:, -1])):
        loaded = load(family)
        vocabulary = loaded.info.vocabulary
        ids = torch.tensor([[*vocabulary.frame.prefix, *encoder_of(loaded).encode(TEXTS[:1])[0].tolist(), vocabulary.eos]])
        with torch.no_grad():
            pooled = pool(loaded.model.core(input_ids=ids).last_hidden_state)
        torch.testing.assert_close(vectors(loaded, TEXTS[:1]), torch.nn.functional.normalize(pooled), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_the_loss_is_that_of_the_formula(load: Callable[..., Loaded], family: str) -> None:
    loaded = load(family)
    encode = encoder_of(loaded).encode
    seconds = ["the file", "the socket", "日本"]
    batch = pair_batch(encode(TEXTS), encode(seconds), loaded.info.vocabulary, loaded.model.kind)
    assert batch.label_count == 3
    with torch.no_grad():
        losses = contrastive_losses(loaded.model, batch, 0.1)
    similar = (vectors(loaded, TEXTS) @ vectors(loaded, seconds).T / 0.1).double()
    expected = [-float(similar[row, row] - torch.logsumexp(similar[row], dim=0)) for row in range(3)]
    assert losses.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_each_rank_contrasts_within_its_own_rows(load: Callable[..., Loaded]) -> None:
    loaded = load("bert")
    encode, texts = encoder_of(loaded).encode, [*TEXTS, "Count the users."]
    whole = pair_batch(encode(texts), encode(texts[::-1]), loaded.info.vocabulary, Kind.ENCODER)
    with torch.no_grad():
        for rank in range(2):
            shard = ProcessGroup(rank=rank, world_size=2).shard_batch(whole)
            own = pair_batch(encode(texts[rank::2]), encode(texts[::-1][rank::2]), loaded.info.vocabulary, Kind.ENCODER)
            expected = contrastive_losses(loaded.model, own, 0.1)
            torch.testing.assert_close(contrastive_losses(loaded.model, shard, 0.1), expected, rtol=1e-4, atol=1e-5)


def test_an_equal_second_text_is_no_negative(load: Callable[..., Loaded]) -> None:
    loaded = load("bert")
    encode = encoder_of(loaded).encode
    batch = pair_batch(encode(TEXTS), encode(["same", "same", "same"]), loaded.info.vocabulary, Kind.ENCODER)
    with torch.no_grad():
        assert contrastive_losses(loaded.model, batch, 0.1).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_batch_counts_the_tokens_of_both_texts(load: Callable[..., Loaded]) -> None:
    batch = pair_batch([np.arange(6, 8)], [np.arange(6, 16)], load("bert").info.vocabulary, Kind.ENCODER)
    assert batch.tokens == 4 + 12


@pytest.mark.parametrize("family", ["bert", "gpt2", "word_vectors"])
def test_a_model_chooses_among_the_second_texts(load: Callable[..., Loaded], family: str) -> None:
    answerer = Answerer(load(family))
    documents = [document(index, text)._replace(pair=text) for index, text in enumerate(TEXTS)]
    said = answerer.predict(documents)
    assert [one.answer for one in said] == TEXTS, "a text is nearest to itself"
    for one, text in zip(said, TEXTS, strict=True):
        assert set(one.scores) == set(TEXTS)
        assert one.scores[text] == pytest.approx(1, abs=1e-5)
    columns = answerer.answer([{"text": TEXTS[0], "pair": "unread"}, {"text": None}])
    assert columns["vector"][0] == pytest.approx(list(said[0].numbers), abs=1e-5)
    assert [len(vector) for vector in columns["vector"]] == [16, 16]
    assert answerer.predict([document(1, TEXTS[0])])[0].answer is None


def test_ranks_count_equal_candidates_as_nearer() -> None:
    said = [
        Prediction("a", scores={"a": 0.9, "b": 0.5}),
        Prediction("a", scores={"a": 0.9, "b": 0.5, "c": 0.5}),
        Prediction("a", scores={"a": 0.9}),
        Prediction(),
    ]
    for name, expected in (("mrr", [100, 100 / 3, 0]), ("accuracy_at_1", [100, 0, 0])):
        metric = load_metric(name)
        rows = metric.statistics(["a", "b", "z"], said[:3])
        assert [float(metric.value(row)) for row in rows] == pytest.approx(expected)
    assert not metric.applies_to(said)


def test_a_choice_lists_the_best_candidates_only() -> None:
    said = choose([f"c{index}" for index in range(300)], np.arange(300) % 150)
    assert (said.answer, len(said.scores or {})) == ("c149", RANKED)
    assert list(said.scores or {})[:2] == ["c149", "c299"]
    assert choose([], np.array([])) == Prediction()


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(BadInput, match="task embedding with an encoder-decoder; expected an encoder or a decoder or static word vectors"):
        part(TASK, "model").head(Kind.ENCODER_DECODER, ())
