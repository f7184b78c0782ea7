"""The report of a tokenizer: its figures against counts by hand, the same bytes each time, the comparison with another tokenizer."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.corpora import write_corpus
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from pipeline.corpus.documents import Document
from pipeline.corpus.shards import ShardWriter
from pipeline.recipe import Tokenizer as Params
from pipeline.reporter import SilentReporter
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part
from pipeline.tokens.report.figures import figures, ratio
from pipeline.tokens.report.measure import COLUMNS, find_words, measure, unknown_token
from pipeline.tokens.report.sample import DOCUMENTS, TRAIN_DOCUMENTS, SampledText, sample_texts
from pipeline.tokens.tokenize import report_tokenizer, tokenize_corpus
from pipeline.tokens.training_texts import training_texts

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = {
    "en": ["The weather was fine on that day.", "She opened the window of the house.", "Nobody knows where the letter went."],
    "de": ["Das Wetter war an diesem Tag schön.", "Sie öffnete das Fenster des Hauses.", "Niemand weiß, wohin der Brief ging."],
}
TASK = part(LanguageModel(kind="language_model"), "encode")


def letters() -> Tokenizer:
    """Each letter is a token; ``q`` is unknown."""
    found = Tokenizer(
        models.WordLevel({"<unk>": 0, **{chr(code): code - 96 for code in range(97, 123) if chr(code) != "q"}}, unk_token="<unk>")
    )
    found.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return found


def text(words: str, document: int = 0) -> SampledText:
    return SampledText(document, words, "en", "", find_words(words))


def row(tokenizer: Tokenizer, words: str) -> dict[str, int]:
    return dict(zip(COLUMNS, measure([text(words)], tokenizer).counts[0].tolist(), strict=True))


def words_tokenizer(*words: str) -> Tokenizer:
    """A longest-match tokenizer whose tokens may be parts of words."""
    vocabulary = {"[UNK]": 0, **{word: number for number, word in enumerate(words, 1)}}
    found = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = normalizers.Lowercase()
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return found


def test_words_and_their_tokens_are_counted() -> None:
    tokenizer = words_tokenizer("un", "##known", "word", "##s", ",", "é")
    found = measure([text("Unknown words, é zzz!"), text("word", 1)], tokenizer, pieces=True)
    first, second = (dict(zip(COLUMNS, counts, strict=True)) for counts in found.counts.tolist())
    # un|known word|s , é zzz(unknown) !(unknown)
    assert first == {
        "documents": 0, "characters": 21, "bytes": 22, "tokens": 8, "words": 4, "word_tokens": 6, "split_words": 2, "unknown": 2,
    }  # fmt: skip
    assert (second["tokens"], second["words"], second["split_words"]) == (1, 1, 0)
    assert found.pieces == Counter({("un", "known"): 1, ("word", "s"): 1})
    assert np.flatnonzero(found.used).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_scripts_without_spaces_have_no_words(tmp_path: Path) -> None:
    tokenizer = words_tokenizer("日", "本", "abc")
    assert row(tokenizer, "日本")["words"] == 0
    assert row(tokenizer, "日本 abc")["words"] == 1
    assert figures(measure([text("日本")], tokenizer).counts)["split_words"] == {"value": None, "low": None, "high": None}


def test_bytes_of_one_letter_are_tokens_of_its_word() -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.model = models.BPE({letter: number for number, letter in enumerate(alphabet)}, [])
    found = row(tokenizer, "né à")
    assert (found["tokens"], found["words"], found["word_tokens"], found["split_words"]) == (6, 2, 5, 2)


def test_unknown_tokens_are_found_in_each_kind_of_model() -> None:
    assert unknown_token(words_tokenizer("a")) == 0
    assert unknown_token(Tokenizer(models.Unigram([("a", 0.0), ("<unk>", 0.0)], unk_id=1))) == 1
    assert unknown_token(Tokenizer(models.BPE())) is None
    assert row(letters(), "aqua")["unknown"] == 1


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    """Documents of very different lengths: 2,000 samples of 60 each, of a ratio that is 4."""
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        below = random.integers(5, 400, 60)
        above = random.poisson(4 * below * random.gamma(20, 1 / 20, 60))
        found = ratio(above, below)
        hits += found["low"] <= 4 <= found["high"]
    assert 0.92 < hits / 2000 < 0.97


def test_documents_are_the_unit_of_an_interval() -> None:
    """A document that is counted as many texts makes no interval narrower."""
    whole = np.array([[number, 0, 10 + number, 5, 0, 0, 0, 0] for number in range(30)])
    halves = np.array(
        [[number, 0, 5, 2, 0, 0, 0, 0] for number in range(30)] + [[number, 0, 5 + number, 3, 0, 0, 0, 0] for number in range(30)]
    )
    assert figures(whole)["bytes_per_token"] == figures(halves)["bytes_per_token"]
    assert figures(whole[:19])["bytes_per_token"]["low"] is None


def big_corpus(folder: Path, documents: int) -> Path:
    return write_corpus(folder, {"train": [("", f"Text {number} is about item {number % 97}.", None) for number in range(documents)]})


def test_the_sample_is_bounded_random_and_independent_of_the_shards(tmp_path: Path) -> None:
    corpus = big_corpus(tmp_path / "corpus", 3000)
    found = sample_texts(corpus, "train", TASK)
    assert len(found) == TRAIN_DOCUMENTS
    numbers = [int(one.text.split()[1]) for one in found]
    assert 1390 < np.mean(numbers) < 1610  # evenly from the whole corpus: the standard error is 35
    assert sample_texts(corpus, "test", TASK) == []
    # the same documents in the opposite order, in other shards
    rows = [("", f"Text {number} is about item {number % 97}.", None) for number in reversed(range(3000))]
    assert [one.text for one in sample_texts(write_corpus(tmp_path / "other", {"train": rows}), "train", TASK)] == [
        one.text for one in found
    ]
    assert len(sample_texts(write_corpus(tmp_path / "test", {"test": rows}), "test", TASK)) == DOCUMENTS


def test_long_texts_are_cut_at_a_word_and_their_number_is_bounded(tmp_path: Path) -> None:
    rows = [("", f"{number} " + "lengthy " * 5000, None) for number in range(300)]
    found = sample_texts(write_corpus(tmp_path / "corpus", {"train": rows}), "train", TASK)
    assert 300_000 <= sum(len(one.text) for one in found) < 304_000
    assert {one.text.rsplit(" ", 1)[1] for one in found} == {"lengthy"}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A corpus in two languages and three groups, with a test split."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for split, count in (("train", 120), ("validation", 30), ("test", 30)):
        writer = ShardWriter(folder, split, 1)
        for number in range(count):
            language = ("en", "de")[number % 2]
            said = " ".join(SENTENCES[language][(number + step) % len(SENTENCES[language])] for step in range(6))
            writer.add(Document(f"{hash_of(split, number)}", f"site {number % 3}/a", "", f"{split} {number} {said}", None, None))
        writer.close()
    return folder


def hash_of(split: str, number: int) -> str:
    import hashlib

    return hashlib.sha256(f"{split}{number}".encode()).hexdigest()[:24]


def tokenized(corpus: Path, output: Path, vocabulary: int) -> Path:
    output.mkdir()
    tokenize_corpus(corpus, Params(vocabulary=vocabulary, sentinels=0), TASK, output, SilentReporter())
    return output


def test_the_report_of_a_corpus_and_the_comparison(mixed: Path, tmp_path: Path) -> None:
    small, large = tokenized(mixed, tmp_path / "small", 300), tokenized(mixed, tmp_path / "large", 420)
    metrics = report_tokenizer(mixed, TASK, large, SilentReporter(), small / "tokenizer")
    written = (large / "report.json").read_bytes()
    report = json.loads(written)
    rows = {one["key"]: one for one in report["rows"]}
    assert {"train", "validation", "test", "train/language/en", "train/language/de"} <= rows.keys()
    assert "held_out" not in rows
    groups = {one["name"]: one["documents"] for one in report["rows"] if one["of"] == "group"}
    assert groups == {"site 0/a": 40, "site 1/a": 40, "site 2/a": 40}
    assert rows["train"]["documents"] == 120
    assert rows["train"]["tokens"] == sum(rows[f"train/language/{code}"]["tokens"] for code in ("en", "de"))
    assert rows["train"]["split_words"]["low"] < rows["train"]["split_words"]["value"] < rows["train"]["split_words"]["high"]
    assert all(one["unknown"]["value"] == 0 for one in report["rows"])  # bytes know everything
    assert 0.1 < report["vocabulary"]["used_in_sample"] <= 1
    assert all(one["texts"] >= 5 and len(one["pieces"]) > 1 for one in report["split_words"])
    # a larger vocabulary makes fewer tokens of the same texts
    assert metrics["tokenizer/train/bytes_per_token"] > metrics["previous_tokenizer/train/bytes_per_token"]
    assert (
        metrics["previous_tokenizer/train/tokens_low"]
        < metrics["previous_tokenizer/train/tokens"]
        < metrics["previous_tokenizer/train/tokens_high"]
        < 1
    )
    assert metrics["previous_tokenizer/train/tokens"] == pytest.approx(
        metrics["previous_tokenizer/train/bytes_per_token"] / metrics["tokenizer/train/bytes_per_token"], abs=1e-3
    )
    assert {name for name in metrics if "/group/" in name and "site_0_a-" in name}
    # the file knows nothing of the other tokenizer, and has the same bytes each time
    report_tokenizer(mixed, TASK, large, SilentReporter())
    assert (large / "report.json").read_bytes() == written
    shutil.copytree(large / "tokenizer", tmp_path / "twin")
    assert report_tokenizer(mixed, TASK, large, SilentReporter(), tmp_path / "twin")["previous_tokenizer/same"] == 1


class Recorded(SilentReporter):
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, str]] = []

    def progress(self, done: float, total: float, unit: str) -> None:
        self.seen.append((done, total, unit))


def test_a_tokenizer_is_trained_on_a_bounded_share_of_documents(tmp_path: Path) -> None:
    corpus = big_corpus(tmp_path / "corpus", 9000)
    every = list(training_texts(corpus, TASK, SilentReporter()))
    assert len(every) == 9000
    rows = [("", f"{one} " + "x y z " * 2000, None) for one in every[:600]]
    large = write_corpus(tmp_path / "large", {"train": rows})
    reporter = Recorded()
    some = list(training_texts(large, TASK, reporter, sample_mb=1))
    assert 0.5e6 < sum(map(len, some)) < 1.6e6  # a megabyte, give or take the chance in 600 documents
    assert some == [one for one in training_texts(large, TASK, SilentReporter()) if one in set(some)]
    assert reporter.seen[0] == (0, 600, "documents read for the tokenizer")
    assert list(training_texts(large, TASK, SilentReporter(), sample_mb=50)) == [one for _, one, _ in rows]
