"""Static word vectors: the loss of skip-gram, what its batches hold, and that words in equal company become near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fixtures.families import tiny_architecture

from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.batch import IGNORED
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.files import load_model
from pipeline.recipe import Model, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.parts import part
from pipeline.training.base import FeedInputs
from pipeline.training.job import TrainingJob
from pipeline.training.objectives import skip_gram
from pipeline.training.objectives.skip_gram import DRAWN, NEGATIVES, RANDOM_WORDS, SkipGram, count_tokens
from pipeline.training.pretrain import pretrain_model
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FIRST, SIZE = 14, 64
"""The first id of a word, and the size of the vocabulary, in the tests' tokens."""


def feed_of(tokens: Path, family: str = "word_vectors", **changes: object) -> tuple[SkipGram, FeedInputs]:
    params = Pretraining.model_validate({"objective": "skip_gram", "steps": 10, "batch": 4, **changes})
    read = open_tokens(tokens)
    head = HeadSpec(LANGUAGE_HEAD[find_family(family).kind])
    inputs = FeedInputs(read, new_model(tiny_architecture(family), read.vocabulary, head, 0.0, 0), 40, params)
    return SkipGram(inputs), inputs


def softplus(value: float) -> float:
    return float(np.log1p(np.exp(-abs(value))) + max(value, 0))


def test_the_loss_is_that_of_the_formula(tokens: Path) -> None:
    feed, inputs = feed_of(tokens, window=3)
    with torch.no_grad():
        for table in inputs.model.parameters():
            table.mul_(30)  # fresh vectors are so small that every word is as likely
    batch = feed.batch(0)
    found = feed.losses(inputs.model, batch).detach()
    assert len(found) == batch.label_count > 10
    words, around = (
        table.detach().double().numpy() for table in (inputs.model.core.words.embedding.weight, inputs.model.core.around.weight)
    )
    expected = []
    for ids, drawn, labels in zip(
        batch.inputs["input_ids"].tolist(), batch.inputs[RANDOM_WORDS].tolist(), batch.labels.tolist(), strict=True
    ):
        for word, near in zip(ids, labels, strict=True):
            negative = NEGATIVES * np.mean([softplus(words[word] @ around[other]) for other in drawn])
            expected += [softplus(-words[word] @ around[other]) + negative for other in near if other != IGNORED]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert np.std(expected) > 0.1


def test_labels_are_the_words_around_and_follow_from_seed_and_step(tokens: Path) -> None:
    feed, _ = feed_of(tokens, window=2)
    reaches = set()
    for step in range(20):
        batch = feed.batch(step)
        assert batch.inputs[RANDOM_WORDS].shape == (len(batch.labels), DRAWN)
        assert int(batch.inputs[RANDOM_WORDS].min()) >= FIRST
        for ids, mask, labels in zip(*(tensor.tolist() for tensor in (*list(batch.inputs.values())[:2], batch.labels)), strict=True):
            for place, (word, real, near) in enumerate(zip(ids, mask, labels, strict=True)):
                there = [ids[other] if 0 <= other < sum(mask) else IGNORED for other in (place - 2, place - 1, place + 1, place + 2)]
                assert all(label in (IGNORED, expected) for label, expected in zip(near, there, strict=True))
                assert not real or word >= FIRST, "special tokens are no words"
                assert real or near == [IGNORED] * 4
                reaches.add(tuple(label != IGNORED for label in near))
    assert {(True, True, True, True), (False, True, True, False)} <= reaches, "each word draws how far it sees"
    assert torch.equal(feed.batch(3).labels, feed_of(tokens, window=2)[0].batch(3).labels)
    assert not torch.equal(feed.batch(3).inputs[RANDOM_WORDS], feed.batch(4).inputs[RANDOM_WORDS])


def test_frequent_words_are_left_out_and_random_words_are_drawn_by_frequency(make_company, tmp_path: Path) -> None:
    tokens = make_company(tmp_path, often=FIRST)
    feed, inputs = feed_of(tokens, batch=64)
    stream = inputs.tokens.stream("train")
    counts = np.bincount(stream.ids, minlength=SIZE).astype(float)
    counts[:FIRST] = 0
    batches = [feed.batch(step) for step in range(30)]
    seen = np.concatenate([batch.inputs["input_ids"][batch.inputs["attention_mask"].bool()].numpy() for batch in batches])
    assert (seen == FIRST).mean() < 0.6 * counts[FIRST] / counts.sum()
    drawn = np.bincount(np.concatenate([batch.inputs[RANDOM_WORDS].numpy().ravel() for batch in batches]), minlength=SIZE)
    np.testing.assert_allclose(drawn / drawn.sum(), counts**0.75 / (counts**0.75).sum(), atol=0.01)


def test_frequent_words_weigh_less_in_a_mean(make_company, tmp_path: Path) -> None:
    feed, inputs = feed_of(make_company(tmp_path, often=FIRST))
    weights = {name: torch.ones_like(weight) for name, weight in inputs.model.named_weights().items()}
    feed.finish(weights)
    counts = count_tokens(inputs.tokens.stream("train"), SIZE)
    counts[:FIRST] = 0
    threshold = 1 / np.count_nonzero(counts)
    expected = threshold / (threshold + counts / counts.sum())
    np.testing.assert_allclose(weights["words.embedding.weight"].numpy(), np.repeat(expected[:, None], 16, axis=1), rtol=1e-6)
    assert expected[FIRST] < 0.1 < 0.5 < expected[FIRST + 12]
    assert bool((weights["around.weight"] == 1).all())


def test_counting_does_not_depend_on_chunks(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = open_tokens(tokens).stream("train")
    whole = count_tokens(stream, SIZE)
    monkeypatch.setattr(skip_gram, "CHUNK", 7)
    assert count_tokens(stream, SIZE).tolist() == whole.tolist() == np.bincount(stream.ids, minlength=SIZE).tolist()


@pytest.fixture(scope="module")
def make_company(make_tokens):
    """Tokens whose words FIRST + 2n and FIRST + 2n + 1 occur in the same company: their theme's own five words."""

    def make(folder: Path, often: int | None = None) -> Path:
        from pipeline.tokens.token_writer import TokenWriter

        made, random = make_tokens(folder / "tokens"), np.random.default_rng(0)
        for split, count in (("train", 3000), ("validation", 200)):
            with TokenWriter(made / "streams" / split, "uint16") as stream:
                for _ in range(count):
                    theme = random.integers(6)
                    company = FIRST + 12 + 5 * theme + random.integers(5, size=10)
                    company[3] = FIRST + 2 * theme + random.integers(2)
                    text = company if often is None else np.where(random.random(10) < 0.5, often, company)
                    stream.add(np.array([2, *text, 1]))
        return made

    return make


def near(vectors: NDArray[np.float32], word: int) -> int:
    """The nearest other word of the first twelve."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = unit[FIRST : FIRST + 12] @ unit[word]
    similar[word - FIRST] = -1
    return FIRST + int(similar.argmax())


def test_planted_synonyms_become_nearest_neighbours(make_company, make_shelf, tmp_path: Path) -> None:
    """Two words of a theme never occur together; only their company is the same. By chance one of eleven would be right."""
    task = Embedding(kind="embedding", max_tokens=32)
    model = Model(family="word_vectors", context=40, config={"hidden_size": 16})
    params = Pretraining(objective="skip_gram", optimizer="adamw", steps=200, batch=64, learning_rate=0.01, precision="fp32")
    job = TrainingJob(make_company(tmp_path), model, tmp_path / "m", "cpu", 1, SilentReporter(), make_shelf(tmp_path / "shelf"))
    result = pretrain_model(job, params, task.model_dump(mode="json"), part(task, "model"))
    assert result.metrics["train_loss"] < (1 + NEGATIVES) * np.log(2), "better than vectors of zero"
    loaded = load_model(tmp_path / "m")
    vectors = loaded.model.core.embedding.weight.detach().numpy()
    right = [near(vectors, word) == FIRST + ((word - FIRST) ^ 1) for word in range(FIRST, FIRST + 12)]
    assert sum(right) >= 11
    assert [name for name, _ in loaded.model.named_parameters()] == ["core.embedding.weight"], (
        "the table of words around is for training only"
    )


def test_a_model_that_sees_its_context_is_refused(tokens: Path) -> None:
    with pytest.raises(BadInput, match=r"objective skip_gram for an encoder; expected static word vectors; fix: change model\.family"):
        feed_of(tokens, "bert")


def test_a_corpus_without_known_words_is_refused(make_tokens, tmp_path: Path) -> None:
    made = make_tokens(tmp_path)
    for split in ("train", "validation"):
        ids = np.fromfile(made / "streams" / f"{split}.bin", dtype=np.uint16)
        ids[ids >= FIRST] = 3
        ids.tofile(made / "streams" / f"{split}.bin")
    with pytest.raises(BadInput, match=r"the tokenizer knows no word of the corpus; fix: raise tokenizer\.vocabulary"):
        feed_of(made)
