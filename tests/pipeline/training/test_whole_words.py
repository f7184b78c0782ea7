"""Masked language modelling with whole words: which pieces are hidden together, how many, and exact resume."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.families import tiny_architecture, tiny_section
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from pipeline.errors import BadInput, Preempted
from pipeline.families.kinds import Head
from pipeline.models.batch import IGNORED
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.recipe import Pretraining
from pipeline.reporter import SilentReporter
from pipeline.tokens.special_tokens import NAMES, all_names, frame
from pipeline.tokens.tokenizer_folder import save_trained
from pipeline.tokens.word_starts import word_starts
from pipeline.training.base import FeedInputs
from pipeline.training.job import TrainingJob
from pipeline.training.objectives.masked_lm import MaskedLm, _first_of_each
from pipeline.training.pretrain import pretrain_model
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

PARAMS = {"objective": "masked_lm", "steps": 7, "batch": 8, "corrupted": 0.3, "evaluate_every": 3, "checkpoint_every": 3}


def write_texts(folder: Path, *, words_marked: bool = True) -> Path:
    """Texts of made-up words of one to nine letters, in a tokenizer that knows letters and few pairs."""
    random = np.random.default_rng(7)
    words = ["".join(random.choice(list("abcdefgh"), random.integers(1, 10))) for _ in range(200)]
    texts = [" ".join(random.choice(words, random.integers(4, 14))) for _ in range(80)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if words_marked else pre_tokenizers.BertPreTokenizer()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if words_marked else []
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=all_names(0), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = frame({name: tokenizer.get_vocab()[name] for name in NAMES.values()})
    save_trained(tokenizer, folder / "tokenizer")
    (folder / "streams").mkdir()
    for split, chosen in (("train", texts[:60]), ("validation", texts[60:])):
        documents = [np.array([2, *tokenizer.encode(text, add_special_tokens=False).ids, 1], dtype="<u2") for text in chosen]
        np.concatenate(documents).tofile(folder / "streams" / f"{split}.bin")
        np.cumsum([0, *map(len, documents)]).astype("<i8").tofile(folder / "streams" / f"{split}.idx")
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_texts(tmp_path_factory.mktemp("texts"))


def feed(tokens: Path, **changes: object) -> MaskedLm:
    read = open_tokens(tokens)
    model = new_model(tiny_architecture("bert"), read.vocabulary, HeadSpec(Head.MASKED_LM), 0.0, 0)
    return MaskedLm(FeedInputs(read, model, 40, Pretraining.model_validate({**PARAMS, **changes})))


def test_the_pieces_of_a_word_are_hidden_together_in_the_asked_share(texts: Path) -> None:
    whole, starts = feed(texts, whole_words=True), word_starts(load_content_tokenizer(texts / "tokenizer"), "x")
    hidden = total = masked = long = 0
    for step in range(100):
        batch = whole.batch(step)
        ids, labels = batch.inputs["input_ids"].numpy(), batch.labels.numpy()
        for row, wanted, mask in zip(ids, labels, batch.inputs["attention_mask"].bool().numpy(), strict=True):
            predicted = wanted != IGNORED
            text = np.where(predicted, wanted, row)[mask]
            content = ~np.isin(text, [0, 1, 2])
            assert predicted.any()
            assert not predicted[mask][~content].any()
            chosen, number = predicted[mask][content], np.cumsum(starts(text[content]))
            for word in np.unique(number):
                assert len(set(chosen[number == word])) == 1, "a word is hidden whole or not at all"
                long += int(chosen[number == word].sum() > 1)
            hidden, total = hidden + int(chosen.sum()), total + len(chosen)
            masked += int((row[mask][content][chosen] == 5).sum())
    assert hidden / total == pytest.approx(0.3, abs=0.02)
    assert masked / hidden == pytest.approx(0.8, abs=0.03)
    assert long > 1000
    assert np.array_equal(whole.batch(3).labels, whole.batch(3).labels)


def test_without_the_field_each_piece_is_drawn_by_itself(texts: Path) -> None:
    alone, same = feed(texts), feed(texts, whole_words=False)
    assert np.array_equal(alone.batch(2).labels, same.batch(2).labels)
    assert not np.array_equal(alone.batch(2).labels, feed(texts, whole_words=True).batch(2).labels)


def test_a_row_of_few_words_hides_one_of_them_whole(texts: Path) -> None:
    rare = feed(texts, whole_words=True, corrupted=0.0001)
    starts = word_starts(load_content_tokenizer(texts / "tokenizer"), "x")
    for step in range(10):
        batch = rare.batch(step)
        for row, wanted in zip(batch.inputs["input_ids"].numpy(), batch.labels.numpy(), strict=True):
            predicted = wanted != IGNORED
            text = np.where(predicted, wanted, row)
            content = ~np.isin(text, [0, 1, 2])
            number = np.cumsum(starts(text[content]))[predicted[content]]
            assert len(set(number)) == 1
            assert len(number) == int((np.cumsum(starts(text[content])) == number[0]).sum())


def test_a_run_without_boundaries_is_masked_by_the_piece() -> None:
    starts = np.array([True, False, True, *[False] * 16, True])
    assert _first_of_each(starts).tolist() == [0, 0, *range(2, 19), 19]


def test_a_tokenizer_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"pretraining\.whole_words with a tokenizer \(BPE\) whose token ids do not tell where words begin"):
        feed(write_texts(tmp_path, words_marked=False), whole_words=True)


def test_stopped_and_killed_it_resumes_with_the_same_bytes(texts: Path, tmp_path: Path, make_shelf, make_listener) -> None:
    params = Pretraining.model_validate({**PARAMS, "whole_words": True, "dropout": 0.1, "precision": "fp32"})

    def run(label: str, reporter: object, shelf: object) -> dict[str, str]:
        pretrain_model(TrainingJob(texts, tiny_section("bert"), tmp_path / label, "cpu", 1, reporter, shelf), params)
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / label).iterdir()}

    whole = run("whole", SilentReporter(), make_shelf(tmp_path / "one"))
    shelf = make_shelf(tmp_path / "two")
    with pytest.raises(Preempted):
        run("again", make_listener(stop_after=2), shelf)
    with pytest.raises(KeyboardInterrupt):
        run("again", make_listener(die_after=2), shelf)
    assert run("again", SilentReporter(), shelf) == whole
