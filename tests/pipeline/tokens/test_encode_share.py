"""Shares of a corpus that several machines encode: the tokens are those of one step, and no shard is encoded twice."""

from __future__ import annotations

import json
import shutil
import time
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.corpora import write_corpus, write_shards
from fixtures.killing import files, killed_at_random

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import NothingKept, StoredIntermediates, key_of
from pipeline.artifacts.manifest import blob_key
from pipeline.corpora.source_shards import write_sources
from pipeline.recipe import Tokenizer as Params
from pipeline.recipe.mixture import Weights
from pipeline.recipe.workers import shares
from pipeline.reporter import SilentReporter
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.encode import Encode
from pipeline.tokens import encoded_shards
from pipeline.tokens.corpus_tokenizer import corpus_tokenizer
from pipeline.tokens.encode_shard import EncodeJob, encode_shard
from pipeline.tokens.encode_share import SHARE, encode_share
from pipeline.tokens.encoded_shards import EncodedShards
from pipeline.tokens.encoding import FAST
from pipeline.tokens.tokenize import tokenize_corpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.settings import Settings

    Kept = Callable[[], Intermediates]

PARAMS = Params(vocabulary=400, sentinels=10)
TASK = Encode(Summarization(kind="summarization", max_source_tokens=12, max_target_tokens=8))
TRAIN = [f"train-{number:05d}" for number in range(5)]
WEIGHTS = Weights(by_source={"web": 2.5})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five shards of train, two of them of the source ``web``, and one of validation."""
    whole = write_shards(tmp_path, 5)
    named = [f"{name}.parquet" for name in TRAIN]
    write_sources(["web", "books"], [0, 1], [named[:2], [*named[2:], "validation-00000.parquet"]], whole)
    return whole


@pytest.fixture
def tokenizer(corpus: Path, tmp_path: Path) -> Path:
    """The tokenizer of that corpus."""
    return tokenizer_of(corpus, tmp_path / "tokenizer")


def tokenizer_of(corpus: Path, folder: Path) -> Path:
    folder.mkdir()
    corpus_tokenizer(corpus, PARAMS, TASK, folder, SilentReporter(), folder)
    return folder


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was encoded."""
    begun: list[str] = []

    def encode(job: EncodeJob, reporter: Any) -> None:
        begun.append(job.folder.name)
        encode_shard(job, reporter)

    monkeypatch.setattr(encoded_shards, "encode_shard", encode)
    return begun


@pytest.fixture
def kept(folder_settings: Settings) -> Callable[[], StoredIntermediates]:
    """Where each step, on a machine of its own, keeps encoded shards."""
    return lambda: StoredIntermediates(open_artifacts(folder_settings), {"code": "1"})


def encode(corpus: Path, tokenizer: Path, kept: Kept, of: int, output: Path, weights: Weights | None = None) -> list[dict[str, int]]:
    """Encode every share; their counts."""
    found = []
    for share in shares(of):
        place = output / str(share.number)
        place.mkdir(parents=True)
        found.append(encode_share(corpus, TASK, tokenizer, share, place, SilentReporter(), kept(), weights=weights))
        assert len(json.loads((place / SHARE).read_text())) == found[-1]["shards"]
    return found


def tokenize(
    corpus: Path, output: Path, kept: Kept = NothingKept, tokenizer: Path | None = None, weights: Weights | None = None
) -> dict[str, int]:
    output.mkdir()
    return tokenize_corpus(corpus, PARAMS, TASK, output, SilentReporter(), intermediates=kept(), weights=weights, tokenizer=tokenizer)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["once", "weighted"])
@pytest.mark.parametrize("of", [1, 2, 4, 9])
def test_shares_end_with_the_tokens_of_one_step(
    of: int, weights: Weights | None, corpus: Path, tokenizer: Path, tmp_path: Path, kept: Kept, encoded: list[str]
) -> None:
    """With nine, some have no shard."""
    whole = tokenize(corpus, tmp_path / "alone", weights=weights)
    every = sorted([*TRAIN, "validation-00000", *(["train-00000-again", "train-00001-again"] if weights else [])])
    assert sorted(encoded) == every
    encoded.clear()
    counts = encode(corpus, tokenizer, kept, of, tmp_path / "shares", weights)
    assert sorted(encoded) == every, "each once"
    assert sum(found["shards"] for found in counts) == len(every)
    once_more = whole["documents_train"] - 2 * 180 - 270 if weights else 0
    assert sum(found["documents"] for found in counts) == 5 * 90 + 9 + once_more
    encoded.clear()
    assert tokenize(corpus, tmp_path / "tokens", kept, tokenizer, weights) == whole
    assert encode(corpus, tokenizer, kept, of, tmp_path / "again", weights) == counts
    assert encoded == []
    assert files(tmp_path / "tokens") == files(tmp_path / "alone")
    assert files(tmp_path / "again") == files(tmp_path / "shares")


def test_what_was_lost_of_a_share_is_encoded_by_tokenization(
    corpus: Path, tokenizer: Path, tmp_path: Path, kept: Kept, encoded: list[str], folder_settings: Settings
) -> None:
    encode(corpus, tokenizer, kept, 2, tmp_path / "shares")
    store = open_artifacts(folder_settings).store
    numbers = {"train-00001": 1, "train-00003": 3, "validation-00000": 5}
    shards = EncodedShards(corpus, TASK, tokenizer, FAST, tmp_path / "unused", 1, SilentReporter(), NothingKept())
    records = {name: key_of(kept().fingerprint(shards.what(number))) for name, number in numbers.items()}
    lost = json.loads(store.get(records["train-00003"]).data)
    blob = next(entry["sha256"] for entry in lost["files"] if entry["path"].endswith("stream.bin"))
    for key in (records["train-00001"], records["validation-00000"], blob_key(blob)):
        store.delete(key)
    encoded.clear()
    tokenize(corpus, tmp_path / "tokens", kept, tokenizer)
    assert sorted(encoded) == sorted(numbers)
    tokenize(corpus, tmp_path / "alone")
    assert files(tmp_path / "tokens") == files(tmp_path / "alone")


def test_a_corpus_of_one_shard_is_kept_by_its_share(tmp_path: Path, tokenizer: Path, kept: Kept, encoded: list[str]) -> None:
    """One step alone keeps none: its artifact is the shard."""
    small = write_corpus(tmp_path / "small", {"train": [("name", f"Text {row} of a small one. " * 9, None) for row in range(90)]})
    tokenize(small, tmp_path / "alone", kept, tokenizer)
    assert [found["shards"] for found in encode(small, tokenizer, kept, 2, tmp_path / "shares")] == [1, 0]
    encoded.clear()
    tokenize(small, tmp_path / "tokens", kept, tokenizer)
    assert encoded == []
    assert files(tmp_path / "tokens") == files(tmp_path / "alone")


@pytest.mark.parametrize("of", [2, 3, 4])
def test_shares_have_about_as_many_bytes(of: int, tmp_path: Path, tokenizer: Path) -> None:
    """They differ by no more than the largest shard, and together they are the corpus."""
    corpus = tmp_path / "uneven"
    corpus.mkdir()
    sizes = [900, 20, 700, 30, 800, 40, 600, 50, 500, 60]
    for number, rows in enumerate(sizes):
        part = write_corpus(tmp_path / f"uneven-{number}", {"train": [("", f"{number} {row * row} {row}", None) for row in range(rows)]})
        shutil.move(part / "train-00000.parquet", corpus / f"train-{number:05d}.parquet")
    shards = EncodedShards(corpus, TASK, tokenizer, FAST, tmp_path / "unused", 1, SilentReporter(), NothingKept())
    found = [shards.share(number, of) for number in range(1, of + 1)]
    assert sorted(chain(*found)) == list(range(len(sizes)))
    taken = [sum(shards.pieces[number].shard.stat().st_size for number in numbers) for numbers in found]
    assert max(taken) - min(taken) <= max(place.stat().st_size for place in corpus.iterdir())


WORKER = """
import sys
from pathlib import Path
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.recipe import Tokenizer
from pipeline.recipe.workers import Share
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.encode import Encode
from pipeline.tokens import encoded_shards
from pipeline.tokens.encode_share import encode_share
from pipeline.tokens.tokenize import tokenize_corpus

def main():
    encoded_shards.BYTES_A_PROCESS = 1
    settings, params = Settings.model_validate_json(sys.argv[1]), Tokenizer.model_validate_json(sys.argv[2])
    corpus, tokenizer, output = map(Path, sys.argv[3:6])
    processes, number, of = map(int, sys.argv[6:])
    task = Encode(Summarization(kind="summarization", max_source_tokens=12, max_target_tokens=8))
    output.mkdir()
    if not of:
        from transformers import PreTrainedTokenizerFast  # writes a new tokenizer; it takes longer to import than all the rest
    print("begun", flush=True)
    kept = StoredIntermediates(open_artifacts(settings), {"code": "1"})
    original = kept.commit
    def commit(what, folder):
        original(what, folder)
        print(folder.name, flush=True)
    kept.commit = commit
    if number:
        encode_share(corpus, task, tokenizer, Share(number=number, of=of), output, SilentReporter(), kept, processes)
    else:
        given = tokenizer if of else None
        tokenize_corpus(corpus, params, task, output, SilentReporter(), processes, intermediates=kept, tokenizer=given)
    print("done", flush=True)

if __name__ == "__main__":
    main()
"""


def killed(tmp_path: Path, settings: Settings, kills: int, processes: int, shares: int, size: int) -> None:
    """Kill tokenizations of a corpus of so many shards, and the steps that share their encoding: no shard is encoded twice."""
    corpus, script = write_shards(tmp_path, size), tmp_path / "killed.py"
    tokenizer = tokenizer_of(corpus, tmp_path / "tokenizer")
    script.write_text(WORKER)

    def arguments(output: Path, store: str, share: int) -> list[str]:
        where = settings.model_copy(update={"store": f"file://{tmp_path}/stores/{store}"})
        of = 0 if store == "whole" else shares
        places = (str(place) for place in (corpus, tokenizer, output))
        return [str(script), where.model_dump_json(), PARAMS.model_dump_json(), *places, str(processes), str(share), str(of)]

    killed_at_random(arguments, tmp_path, kills, time.time_ns(), shares)


def test_killed_at_random_moments_shares_end_with_the_same_tokens(tmp_path: Path, folder_settings: Settings) -> None:
    killed(tmp_path, folder_settings, 2, 1, 2, size=8)


@pytest.mark.prove
@pytest.mark.timeout(1800)  # it starts a hundred processes, which import transformers
@pytest.mark.parametrize(("processes", "shares"), [(1, 0), (2, 0), (1, 2), (1, 4)])
def test_killed_at_fifty_random_moments_it_ends_with_the_same_tokens(
    processes: int, shares: int, tmp_path: Path, folder_settings: Settings
) -> None:
    killed(tmp_path, folder_settings, 50, processes, shares, size=24)
