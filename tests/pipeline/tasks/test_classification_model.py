"""Classification as tensors: one text or two, one class, several or a number; losses, pooling, predictions, and that it learns."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.families import tiny_architecture, tiny_vocabulary
from torch.nn import functional

from pipeline.corpus.documents import Document
from pipeline.errors import BadInput
from pipeline.families.families import find_family
from pipeline.families.kinds import Kind
from pipeline.models.build import new_model
from pipeline.tasks.classification.encode import Encode
from pipeline.tasks.classification.feed import ClassificationFeed
from pipeline.tasks.classification.framing import class_logits, framed_batch
from pipeline.tasks.classification.model import Classifier
from pipeline.tasks.classification.section import Classification
from pipeline.tokens.text_encoder import TextEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VOCABULARY = tiny_vocabulary()
CLASSES = ("carts", "files", "locks")
FAMILIES = ["bert", "modernbert", "eurobert", "roberta", "gpt2", "llama", "t5", "bart"]


def section(**fields: Any) -> Classification:
    return Classification.model_validate({"kind": "classification", "max_tokens": 20, **fields})


def letters(texts: Sequence[str]) -> list[np.ndarray]:
    """One id for each letter."""
    return [np.array([14 + ord(letter) % 40 for letter in text], dtype=np.int64) for text in texts]


ENCODER = TextEncoder(None, VOCABULARY, letters, CLASSES)


def document(text: str, target: str | None, pair: str | None = None) -> Document:
    return Document("id", "", "", text, pair, target)


def encode(task: Classification, *documents: Document) -> tuple[list[dict[str, np.ndarray]], Counter[str]]:
    counts: Counter[str] = Counter()
    return list(Encode(task).encode(documents, ENCODER, counts, "train")), counts


def build(family: str, task: Classification):
    spec = Classifier(task).head(find_family(family).kind, CLASSES)
    return new_model(tiny_architecture(family), VOCABULARY, spec, 0.0, 0).eval()


def test_answers_become_ids_or_numbers_and_an_unknown_class_is_counted() -> None:
    (one, other), counts = encode(section(), document("ab", "files"), document("c", "locks"))
    assert (one["answer"].tolist(), other["answer"].tolist()) == ([1], [2])
    assert one["second"].tolist() == []
    found, counts = encode(section(), document("ab", "pages"))
    assert (found, counts["unknown_labels_train"]) == ([], 1)
    (several,), _ = encode(section(answer="labels"), document("ab", json.dumps(["carts", "locks"])))
    assert several["answer"].tolist() == [0, 2]
    (number,), _ = encode(section(answer="number"), document("ab", "2.5"))
    assert number["answer"].tolist() == [2.5]


@pytest.mark.parametrize(
    ("first", "second", "kept"), [(30, 0, (18, 0)), (30, 4, (13, 4)), (4, 30, (4, 13)), (30, 30, (9, 8)), (5, 5, (5, 5))]
)
def test_what_is_too_long_is_cut_the_longer_text_first(first: int, second: int, kept: tuple[int, int]) -> None:
    (example,), counts = encode(section(), document("a" * first, "files", "b" * second or None))
    assert (len(example["first"]), len(example["second"])) == kept
    assert counts["cut_inputs_train"] == (first + second > sum(kept))
    rows = framed_batch([(example["first"], example["second"])], VOCABULARY, torch.zeros(1))
    assert int(rows.inputs["attention_mask"].sum()) <= 20


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_and_company_change_no_logits(family: str) -> None:
    model = build(family, section())
    alone = [(letters(["abc"])[0], letters([""])[0])]
    kind = model.kind
    # transformers' encoder-decoders classify at the end token, of which each row of a batch must have as many
    more = [*alone, (letters(["abcdefghij"])[0], letters(["" if kind is Kind.ENCODER_DECODER else "klm"])[0])]
    first = class_logits(model, framed_batch(alone, VOCABULARY, torch.zeros(1)))
    both = class_logits(model, framed_batch(more, VOCABULARY, torch.zeros(2)))
    assert first.shape == (1, 3)
    torch.testing.assert_close(both[:1], first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama", "t5"])
def test_logits_and_losses_are_transformers_own_without_mean_pooling(family: str) -> None:
    for answer, labels in (
        ("label", torch.tensor([0, 2])),
        ("labels", torch.tensor([[1.0, 0, 1], [0, 0, 1]])),
        ("number", torch.tensor([[1.5], [-2.0]])),
    ):
        task = section(answer=answer, pooling="first")
        model = build(family, task)
        batch = framed_batch([(letters(["abc"])[0], []), (letters(["abcdef"])[0], [])], VOCABULARY, labels)
        given = labels if answer != "number" else labels[:, 0]
        own = model.core(**model.inputs(batch), labels=given)
        feed = ClassificationFeed.__new__(ClassificationFeed)
        feed._task = task
        assert float(feed.losses(model, batch).mean().detach()) == pytest.approx(float(own.loss.detach()), rel=1e-5)


def test_mean_pooling_is_the_mean_of_the_real_states() -> None:
    model = build("bert", section())
    assert not [name for name in model.named_weights() if "pooler" in name], "nothing would train it"
    batch = framed_batch([(letters(["abc"])[0], []), (letters(["abcdefgh"])[0], [])], VOCABULARY, torch.zeros(2))
    states, mask = model.core(**batch.inputs).last_hidden_state, batch.inputs["attention_mask"]
    expected = torch.stack([states[row][mask[row].bool()].mean(dim=0) for row in range(2)])
    torch.testing.assert_close(class_logits(model, batch), model.head(expected))


@pytest.mark.parametrize(
    ("family", "field", "first"), [("modernbert", "classifier_pooling", "cls"), ("eurobert", "classifier_pooling", "bos")]
)
def test_a_family_that_can_pool_uses_its_own_classifier(family: str, field: str, first: str) -> None:
    """The classifier is transformers' own, and reads the mean of the real states, or the first one."""
    batch = framed_batch([(letters(["abc"])[0], []), (letters(["abcdefgh"])[0], [])], VOCABULARY, torch.zeros(2))
    mask = batch.inputs["attention_mask"].bool()
    for pooling, name in (("mean", "mean"), ("first", first)):
        model = build(family, section(pooling=pooling))
        assert model.head is None
        assert getattr(model.core.config, field) == name
        states = model.core.base_model(**batch.inputs).last_hidden_state
        pooled = torch.stack([states[row][mask[row]].mean(dim=0) if name == "mean" else states[row][0] for row in range(2)])
        inner = model.core.head if family == "modernbert" else lambda x, core=model.core: core.activation(core.dense(x))
        torch.testing.assert_close(class_logits(model, batch), model.core.classifier(inner(pooled)))


def test_token_types_tell_the_second_text() -> None:
    from dataclasses import replace

    framed = replace(VOCABULARY, frame=replace(VOCABULARY.frame, types=True))
    batch = framed_batch([(letters(["ab"])[0], letters(["cde"])[0])], framed, torch.zeros(1))
    assert batch.inputs["token_type_ids"][0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("answer", "expected"), [("label", "files"), ("labels", ("files", "locks")), ("number", -1.0)])
def test_logits_become_answers(answer: str, expected: object) -> None:
    logits = torch.tensor([-1.0, 2.0, 1.0])
    found = Classifier(section(answer=answer))._prediction(logits, CLASSES)
    assert found.answer == expected
    if answer == "label":
        assert found.scores == pytest.approx(dict(zip(CLASSES, functional.softmax(logits, 0).tolist(), strict=True)))


def test_a_classifier_learns_through_the_components_functions(tmp_path: Path, make_corpus_of_classes) -> None:
    pairs = make_corpus_of_classes(tmp_path)
    assert pairs > 0.9


@pytest.fixture
def make_corpus_of_classes():
    """Train on words that give the class away, and return the accuracy on new texts."""

    def make(folder: Path) -> float:
        from fixtures.families import finetune, tiny_section
        from fixtures.tiny import NOUNS

        from pipeline.corpus.shards import ShardWriter
        from pipeline.recipe import Finetuning, Tokenizer
        from pipeline.reporter import SilentReporter
        from pipeline.serving.answer import Answerer
        from pipeline.tasks.parts import part
        from pipeline.tokens.tokenize import tokenize_corpus
        from pipeline.training.job import TrainingJob

        torch.set_num_threads(1)
        rng, classes = np.random.default_rng(0), NOUNS[:4]
        made = {
            split: [
                Document(
                    f"{split}{index}",
                    "",
                    "",
                    f"It takes the {classes[index % 4]} number {rng.integers(1000)} to its owner.",
                    None,
                    classes[index % 4],
                )
                for index in range(count)
            ]
            for split, count in (("train", 400), ("validation", 40), ("test", 60))
        }
        for split, documents in made.items():
            writer = ShardWriter(folder, split, 1)
            for one in documents:
                writer.add(one)
            writer.close()
        (folder / "labels.json").write_text(json.dumps(sorted(classes)))
        task = section(max_tokens=40)
        (folder / "tokens").mkdir()
        tokenize_corpus(folder, Tokenizer(vocabulary=400, sentinels=0), part(task, "encode"), folder / "tokens", SilentReporter())

        class NoCheckpoints:
            def newest(self) -> None:
                return None

            def save(self, step: int, folder: Path) -> None:
                """Keep nothing."""

        job = TrainingJob(folder / "tokens", tiny_section("bert"), folder / "model", "cpu", 1, SilentReporter(), NoCheckpoints())
        params = Finetuning(steps=120, batch=16, evaluate_every=40, dropout=0.0, precision="fp32", learning_rate=0.01)
        finetune(job, params, task=task)
        answerer = Answerer.load(folder / "model")
        answers = [one.answer for one in answerer.predict(made["test"])]
        return float(np.mean([answer == one.target for answer, one in zip(answers, made["test"], strict=True)]))

    return make


def test_limits_that_do_not_fit_the_model_are_refused() -> None:
    from pipeline.recipe.recipe import check_recipe

    with pytest.raises(BadInput, match=r"model\.context 16 is too short"):
        check_recipe(
            {
                "name": "tiny",
                "data": {"source": {"kind": "jsonl", "path": "x", "columns": {"target": "label"}}, "split": {"salt": "s"}},
                "task": {"kind": "classification", "max_tokens": 32},
                "model": {"family": "bert", "context": 16},
                "finetuning": {"steps": 1},
                "registration": {"model": "tiny"},
            },
            "tiny.yaml",
        )
