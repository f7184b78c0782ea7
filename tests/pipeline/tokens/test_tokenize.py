"""Tokenization as a whole: what the shards hold, that they are the same every time, what is refused."""

from __future__ import annotations

import hashlib
import json
import threading
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.corpora import write_corpus
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.corpus.read_corpus import read_documents, read_pairs
from pipeline.errors import BadInput, Damaged, Preempted
from pipeline.recipe import Tokenizer as Params
from pipeline.reporter import SilentReporter
from pipeline.tokens.layout import read_layout
from pipeline.tokens.prompt import source_text
from pipeline.tokens.token_stream import TokenStream
from pipeline.tokens.tokenize import tokenize_corpus, training_texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = Params(vocabulary=400, sentinels=10, max_source_tokens=12, max_target_tokens=8)


@pytest.fixture
def tokens(corpus: Path, tmp_path: Path) -> Path:
    return make(corpus, tmp_path / "tokens")


def make(corpus: Path, output: Path, params: Params = SMALL, threads: int = 1) -> Path:
    output.mkdir()
    tokenize_corpus(corpus, params, output, SilentReporter(), threads)
    return output


def test_streams_hold_every_document_and_its_end(corpus: Path, tokens: Path) -> None:
    tokenizer, layout = Tokenizer.from_file(str(tokens / "tokenizer.json")), read_layout(tokens)
    assert layout.special == {"pad": 0, "eos": 1, "bos": 2, "unk": 3, "sep": 4}
    assert layout.sentinels == list(range(5, 15))
    assert layout.vocabulary == tokenizer.get_vocab_size() <= 400
    for split, count in (("train", 200), ("validation", 10)):
        stream, found = TokenStream(tokens, f"stream-{split}"), list(read_documents(corpus, split))
        assert len(stream) == len(found) == count == layout.counts[f"documents_{split}"]
        assert stream.ids.dtype == np.uint16
        for index, document in enumerate(found):
            ids = list(stream[index])
            assert ids[-1] == 1
            assert tokenizer.decode(ids[:-1]) == source_text(document.name, document.text)
        assert layout.counts[f"tokens_{split}"] == len(stream.ids)


def test_pairs_are_cut_to_their_lengths_and_stay_in_step(corpus: Path, tokens: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tokens / "tokenizer.json"))
    sources, targets = (TokenStream(tokens, f"pairs-train-{side}") for side in ("source", "target"))
    found = read_pairs(corpus, "train")
    assert len(sources) == len(targets) == len(found) == 100
    for index, document in enumerate(found):
        whole = tokenizer.encode(source_text(document.name, document.text)).ids
        assert list(sources[index]) == whole[:12]
        assert list(targets[index]) == [*tokenizer.encode(document.target or "").ids, 1][:8]
    assert max(len(targets[index]) for index in range(100)) <= 8


def test_the_tokenizer_learns_from_the_train_split_only(tokens: Path) -> None:
    ids = Tokenizer.from_file(str(tokens / "tokenizer.json")).encode("zyzzyva").ids
    assert len(ids) == len("zyzzyva")


@pytest.mark.parametrize("threads", [1, 2])
def test_two_runs_give_the_same_bytes(corpus: Path, tokens: Path, tmp_path: Path, threads: int) -> None:
    again = make(corpus, tmp_path / "again", threads=threads)
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in tokens.iterdir()}


def test_a_special_token_spelled_in_a_text_is_plain_text(tmp_path: Path) -> None:
    text = "A page about tokenizers says <eos> and <extra_id_0> <pad>."
    corpus = write_corpus(tmp_path / "corpus", {"train": [("", text, text)] * 1})
    folder = make(corpus, tmp_path / "tokens")
    for name in ("stream-train", "pairs-train-target"):
        ids = list(TokenStream(folder, name)[0])
        assert [token for token in ids if token < 15] in ([1], [])
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).decode(list(TokenStream(folder, "stream-train")[0])[:-1]) == text


def test_a_given_tokenizer_is_taken_at_its_digest_and_gets_our_special_tokens(corpus: Path, tmp_path: Path) -> None:
    given = Tokenizer(models.BPE(unk_token=None))
    given.pre_tokenizer = pre_tokenizers.Whitespace()
    given.model = models.WordLevel({"the": 0, "cart": 1, "?": 2}, unk_token="?")
    given.save(str(tmp_path / "given.json"))
    digest = hashlib.sha256((tmp_path / "given.json").read_bytes()).hexdigest()
    params = SMALL.model_copy(update={"given": "given.json", "given_sha256": digest})
    (tmp_path / "tokens").mkdir()
    tokenize_corpus(corpus, params, tmp_path / "tokens", SilentReporter(), home=tmp_path)
    layout = read_layout(tmp_path / "tokens")
    assert (layout.special["pad"], layout.vocabulary) == (3, 18)
    stream = TokenStream(tmp_path / "tokens", "stream-validation")
    assert stream[0][-1] == layout.special["eos"]
    assert set(stream[0][:-1]) <= {0, 1, 2}
    with pytest.raises(BadInput, match=f"has sha256 {digest}"):
        tokenize_corpus(corpus, params.model_copy(update={"given_sha256": "0" * 64}), tmp_path / "tokens", SilentReporter(), home=tmp_path)
    with pytest.raises(BadInput, match=r"cannot read tokenizer\.given"):
        tokenize_corpus(corpus, params, tmp_path / "tokens", SilentReporter(), home=tmp_path / "elsewhere")


def test_a_given_file_that_is_no_tokenizer_is_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    with pytest.raises(BadInput, match="cannot be read"):
        tokenize_corpus(
            corpus, SMALL.model_copy(update={"given": "given.json", "given_sha256": digest}), tmp_path, SilentReporter(), home=tmp_path
        )


def test_a_large_vocabulary_is_written_as_uint32(corpus: Path, tmp_path: Path) -> None:
    given = Tokenizer(models.WordLevel({f"w{index}": index for index in range(70_000)} | {"?": 70_000}, unk_token="?"))
    given.save(str(tmp_path / "given.json"))
    digest = hashlib.sha256((tmp_path / "given.json").read_bytes()).hexdigest()
    folder = make(corpus, tmp_path / "tokens", SMALL.model_copy(update={"given": str(tmp_path / "given.json"), "given_sha256": digest}))
    assert read_layout(folder).dtype == "uint32"
    assert TokenStream(folder, "stream-train")[3].tolist() == [70_000, read_layout(folder).special["eos"]]


def test_a_vocabulary_that_cannot_hold_the_bytes_is_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 361"):
        tokenize_corpus(corpus, Params(vocabulary=300), tmp_path, SilentReporter())


def test_told_to_stop_it_stops(corpus: Path, tmp_path: Path) -> None:
    class Stopping(SilentReporter):
        def stopping(self) -> bool:
            return True

    with pytest.raises(Preempted):
        tokenize_corpus(corpus, SMALL, tmp_path, Stopping())


def test_the_merges_of_a_bpe_send_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of random words: after the last text is read, the merges take about a second."""
    random = Random(0)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(60_000)]
    rows = [("", " ".join(words[start : start + 100]), None) for start in range(0, len(words), 100)]
    corpus = write_corpus(tmp_path / "corpus", {"train": rows})
    monkeypatch.setattr("pipeline.reporter.BEAT_EVERY_S", 0.01)
    caller = threading.get_ident()

    class Recording(SilentReporter):
        from_other_threads = 0

        def beat(self) -> None:
            self.from_other_threads += threading.get_ident() != caller

    reporter, read = Recording(), []

    def texts() -> Iterator[str]:
        yield from training_texts(corpus, reporter)
        read.append(reporter.from_other_threads)

    monkeypatch.setattr("pipeline.tokens.tokenize.training_texts", lambda *_: texts())
    tokenize_corpus(corpus, SMALL.model_copy(update={"vocabulary": 8000}), tmp_path, reporter)
    assert reporter.from_other_threads > read[0]


@pytest.mark.parametrize(
    ("name", "damage"),
    [("stream-train.bin", slice(-2)), ("stream-train.bin", slice(-1)), ("stream-train.idx", slice(-8)), ("stream-train.idx", slice(0))],
)
def test_a_shard_that_was_cut_is_told(tokens: Path, name: str, damage: slice) -> None:
    place = tokens / name
    place.write_bytes(place.read_bytes()[damage])
    with pytest.raises(Damaged):
        TokenStream(tokens, "stream-train")


def test_a_missing_shard_and_a_broken_layout_are_told(tokens: Path) -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        TokenStream(tokens, "stream-nowhere")
    (tokens / "tokens.json").write_text(json.dumps({"vocabulary": 1}))
    with pytest.raises(Damaged, match=r"tokens\.json cannot be read"):
        TokenStream(tokens, "stream-train")


def test_documents_end_where_the_shard_ends(tokens: Path) -> None:
    stream = TokenStream(tokens, "stream-validation")
    assert sum(len(ids) for ids in stream) == len(stream.ids)
    with pytest.raises(IndexError):
        stream[len(stream)]
