"""Shards that are encoded in several processes, and those of an attempt that was killed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fixtures.corpora import write_corpus, write_shards
from fixtures.killing import files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.errors import Preempted
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.recipe import Tokenizer as Params
from pipeline.reporter import SilentReporter
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.encode import Encode
from pipeline.tokens import encoded_shards
from pipeline.tokens.encode_shard import EncodeJob, encode_shard
from pipeline.tokens.encoding import FAST, encoder_named
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.tokens.tokenizer_folder import read_vocabulary

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

PARAMS = Params(vocabulary=400, sentinels=10)
TASK = Encode(Summarization(kind="summarization", max_source_tokens=12, max_target_tokens=8))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three shards of train, and one of validation."""
    return write_shards(tmp_path, 3)


def tokenize(corpus: Path, output: Path, processes: int = 1, intermediates: Any = None, reporter: Any = None) -> dict[str, int]:
    output.mkdir()
    return tokenize_corpus(corpus, PARAMS, TASK, output, reporter or SilentReporter(), processes, intermediates=intermediates)


def test_two_processes_write_the_bytes_of_one(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_shards, "BYTES_A_PROCESS", 1)
    counts = [tokenize(corpus, tmp_path / f"tokens-{processes}", processes) for processes in (1, 2)]
    assert counts[0] == counts[1]
    assert counts[0]["documents_train"] == 270
    assert counts[0]["examples_train"] == 135
    assert files(tmp_path / "tokens-1") == files(tmp_path / "tokens-2")


def test_shards_without_a_target_have_no_examples(corpus: Path, tmp_path: Path) -> None:
    """They may stand before and between others."""
    for number in (0, 1):
        bare = write_corpus(tmp_path / f"bare-{number}", {"train": [("name", f"Text {row} of {number}. " * 9, None) for row in range(9)]})
        shutil.copy(bare / "train-00000.parquet", corpus / f"train-{number:05d}.parquet")
    counts = tokenize(corpus, tmp_path / "tokens")
    assert (counts["documents_train"], counts["examples_train"]) == (9 + 9 + 90, 45)
    offsets = np.fromfile(next((tmp_path / "tokens").rglob("train-target.idx")), "<i8")
    assert len(offsets) == 45 + 1
    assert (np.diff(offsets) > 0).all()


def test_the_progress_goes_to_the_size_of_the_shards(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.tokens.encode_shard.BATCH_DOCUMENTS", 40)
    seen: list[tuple[float, float]] = []

    class Seeing(SilentReporter):
        def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
            if unit == "MB":
                seen.append((done, total))

    tokenize(corpus, tmp_path / "tokens", reporter=Seeing())
    size = sum(shard.stat().st_size for shard in corpus.glob("*.parquet")) / 1e6
    assert [total for _, total in seen] == [pytest.approx(size)] * len(seen)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == pytest.approx(size)


def test_what_a_stopped_attempt_encoded_is_not_encoded_again(
    corpus: Path, tmp_path: Path, folder_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenize(corpus, tmp_path / "undisturbed")
    begun: list[str] = []

    def encode(job: EncodeJob, reporter: Any) -> None:
        begun.append(job.shard.name)
        encode_shard(job, reporter)

    class StopsInTheThird(SilentReporter):
        def stopping(self) -> bool:
            return len(begun) == 3

    monkeypatch.setattr(encoded_shards, "encode_shard", encode)

    def kept() -> StoredIntermediates:
        return StoredIntermediates(open_artifacts(folder_settings), {"code": "1"})

    with pytest.raises(Preempted):
        tokenize(corpus, tmp_path / "stopped", 1, kept(), StopsInTheThird())
    assert begun == ["train-00000.parquet", "train-00001.parquet", "train-00002.parquet"]
    begun.clear()
    tokenize(corpus, tmp_path / "tokens", 1, kept())
    assert begun == ["train-00002.parquet", "validation-00000.parquet"]
    assert files(tmp_path / "tokens") == files(tmp_path / "undisturbed")
    begun.clear()
    tokenize(corpus, tmp_path / "again", 1, kept())
    assert begun == []
    assert files(tmp_path / "again") == files(tmp_path / "undisturbed")


def test_a_text_of_stream_and_example_is_encoded_once(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenize(corpus, tmp_path / "tokens")
    encoded: list[str] = []

    def count(name: str, tokenizer: Any) -> Any:
        def encode(texts: list[str]) -> list[np.ndarray]:
            encoded.extend(texts)
            return encoder_named(name, tokenizer)(texts)

        return encode

    monkeypatch.setattr(
        "pipeline.tokens.encode_shard.encoder_of_process", lambda name, folder, _: count(name, load_content_tokenizer(folder))
    )
    folder = tmp_path / "tokens/tokenizer"
    job = EncodeJob(corpus / "train-00000.parquet", "train", TASK, folder, read_vocabulary(folder), (), FAST, tmp_path / "shard")
    encode_shard(job, SilentReporter())
    assert sum(text.startswith("name") for text in encoded) == 90
    assert sum(text.startswith("Answer") for text in encoded) == 45
