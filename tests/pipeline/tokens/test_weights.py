"""Weights of sources: how often the training documents of each are in the token shards."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.corpora import write_corpus
from fixtures.killing import files
from pyarrow import parquet
from tokenizers import Tokenizer

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import PREFIX, StoredIntermediates
from pipeline.corpora.source_shards import write_sources
from pipeline.errors import BadInput
from pipeline.recipe import Tokenizer as Params
from pipeline.recipe.mixture import Weights
from pipeline.reporter import SilentReporter
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.encode import Encode
from pipeline.tokens import encoded_shards
from pipeline.tokens.repeats import Reading, is_chosen
from pipeline.tokens.token_stream import TokenStream
from pipeline.tokens.tokenize import tokenize_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

PARAMS = Params(vocabulary=400, sentinels=10)
TASK = Encode(Summarization(kind="summarization", max_source_tokens=12, max_target_tokens=8))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two shards of the source ``web``, one of ``books``; 100 training documents each, and ten for validation."""
    whole = tmp_path / "corpus"
    whole.mkdir()
    for number in range(3):
        rows = [(f"n{row}", f"part {number} row {row:03d} of the text.", f"Answer {row}." if row % 2 else None) for row in range(100)]
        part = write_corpus(tmp_path / f"part-{number}", {"train": rows, "validation": rows[:10]})
        for shard in part.glob("*.parquet"):
            shutil.copy(shard, whole / shard.name.replace("00000", f"{number:05d}"))
    shards = [[f"{split}-{number:05d}.parquet" for split in ("train", "validation")] for number in range(3)]
    write_sources(["web", "books"], [0, 0, 1], shards, whole)
    return whole


def tokenize(corpus: Path, output: Path, weights: dict[str, float] | None, **more: Any) -> dict[str, int]:
    output.mkdir()
    given = Weights(by_source=weights) if weights else None
    return tokenize_corpus(corpus, PARAMS, TASK, output, SilentReporter(), weights=given, **more)


def times(tokens: Path, split: str = "train") -> Counter[str]:
    """How often each text is in the stream of a split."""
    stream = TokenStream(tokens / "streams" / split, "uint16")
    tokenizer = Tokenizer.from_file(str(tokens / "tokenizer" / "tokenizer.json"))
    return Counter(tokenizer.decode(stream[number].tolist()) for number in range(len(stream)))


def of_part(found: Counter[str], number: int) -> Counter[int]:
    """How many texts of a shard are there once, twice and so on."""
    return Counter(often for text, often in found.items() if f"part {number} " in text)


def test_a_weight_repeats_documents_of_training_only(corpus: Path, tmp_path: Path) -> None:
    counts = tokenize(corpus, tmp_path / "tokens", {"web": 2.5, "books": 0.25})
    found = times(tmp_path / "tokens")
    once_more = [of_part(found, number) for number in (0, 1)]
    for own in once_more:
        assert own.keys() == {2, 3}
        assert own.total() == 100
        assert 35 < own[3] < 65
    books = of_part(found, 2)
    assert books.keys() == {1}
    assert 12 < books[1] < 40
    web = 400 + sum(own[3] for own in once_more)
    assert counts["documents_train"] == web + books[1] == found.total()
    assert (counts["source_documents_web"], counts["source_documents_books"]) == (web, books[1])
    assert counts["source_tokens_web"] + counts["source_tokens_books"] == counts["tokens_train"]
    validation = times(tmp_path / "tokens", "validation")
    assert set(validation.values()) == {1}
    assert counts["documents_validation"] == validation.total() == 30
    # the examples of the task follow: each odd row has an answer
    answers = TokenStream(tmp_path / "tokens" / "examples" / "train-target", "uint16")
    odd = Counter({text: often for text, often in found.items() if int(text.split("row ")[1][:3]) % 2})
    assert counts["examples_train"] == len(answers) == odd.total()


@pytest.mark.parametrize("purpose", ["weight", "tokenizer", "report"])
def test_what_a_cap_keeps_is_chosen_like_any_other(purpose: str) -> None:
    """A cap keeps the smallest ids; a choice by the id would take all of these, e.g. to train a tokenizer on."""
    small = [f"{number:024x}" for number in range(1000)]
    assert 430 < sum(is_chosen(one, 0.5, purpose) for one in small) < 570


def test_a_share_is_chosen_by_a_hash_and_grows_with_the_weight(corpus: Path) -> None:
    ids = parquet.read_table(corpus / "train-00000.parquet")["id"].to_pylist()
    chosen = [{one for one in ids if is_chosen(one, share)} for share in (0.0, 0.2, 0.5, 1.0)]
    assert not chosen[0]
    assert chosen[1] < chosen[2] < chosen[3] == set(ids)
    assert (Reading.of(1.1), Reading.of(2.0), Reading.of(0.999)) == (Reading(1, 0.1), Reading(2, 0.0), Reading(0, 0.999))


def test_a_weight_of_one_is_no_weight_and_processes_change_nothing(corpus: Path, tmp_path: Path, monkeypatch) -> None:
    plain = tokenize(corpus, tmp_path / "a", None)
    assert plain == tokenize(corpus, tmp_path / "b", {"web": 1.0})
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert plain["source_documents_web"] == 200
    monkeypatch.setattr(encoded_shards, "BYTES_A_PROCESS", 1)
    assert tokenize(corpus, tmp_path / "c", {"web": 1.5}) == tokenize(corpus, tmp_path / "d", {"web": 1.5}, processes=2)
    assert files(tmp_path / "c") == files(tmp_path / "d")
    (corpus / "sources.json").unlink()
    alone = tokenize(corpus, tmp_path / "e", None)
    assert files(tmp_path / "e") == files(tmp_path / "a")
    assert alone == {name: value for name, value in plain.items() if not name.startswith("source_")}


def test_another_weight_encodes_no_shard_again_as_a_whole(corpus: Path, tmp_path: Path, folder_settings: Settings, monkeypatch) -> None:
    artifacts = open_artifacts(folder_settings)
    encoded: list[tuple[str, float]] = []
    real = encoded_shards.encode_shard

    def watched(job: Any, reporter: Any) -> None:
        encoded.append((job.shard.stem, job.share))
        real(job, reporter)

    monkeypatch.setattr(encoded_shards, "encode_shard", watched)

    def run(name: str, weights: dict[str, float] | None) -> list[tuple[str, float]]:
        encoded.clear()
        tokenize(corpus, tmp_path / name, weights, intermediates=StoredIntermediates(artifacts, {"code": "1"}))
        return list(encoded)

    assert len(run("a", None)) == 6
    assert run("b", {"web": 3.0}) == []
    assert run("c", {"books": 1.5}) == [("train-00002", 0.5)]
    assert run("d", {"books": 0.5}) == []
    assert len(list(artifacts.store.list(PREFIX))) == 7


def test_weights_that_leave_nothing_are_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the weights of data\.sources leave no document to train on"):
        tokenize(corpus, tmp_path / "tokens", {"web": 0.001, "books": 0.001})
