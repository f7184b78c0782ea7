"""How fast a corpus becomes token ids, beside the way of transformers' `run_clm.py`, and beside the bare encoder.

All read the same Parquet shards and have the same tokenizer. Ours ends with token shards on disk, `run_clm` with saved blocks of 1,024 tokens, and bare
tiktoken with arrays in memory. The text is Python source of this environment.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
from benchmarks.in_turn import Compared, compare, interleaved
from transformers import PreTrainedTokenizerFast

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.cleaning.records import document_id
from pipeline.corpus.documents import Document
from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.shards import ShardWriter
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.recipe import Tokenizer
from pipeline.recipe.workers import Share
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.tasks.language_model.encode import Encode
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tokens import TOKENIZER
from pipeline.tokens.encode_shard import encoder_of_process
from pipeline.tokens.encode_share import encode_share
from pipeline.tokens.encoding import tiktoken_encoding
from pipeline.tokens.tokenize import tokenize_corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTES, LARGE_MB, SHARD_MB = 64, 192, 16
"""Of text, of text that is shared by two processes, and of a shard. Two gigabytes in two processes: `make prove`."""
DOCUMENT_CHARS = 4000
BLOCK = 1024
PARAMS = Tokenizer(vocabulary=16_000, sentinels=0)
TASK = Encode(LanguageModel(kind="language_model"))

ALONE = """
import sys
import time
from pathlib import Path
from pipeline.recipe import Tokenizer
from pipeline.reporter import SilentReporter
from pipeline.tasks.language_model.encode import Encode
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tokens.tokenize import tokenize_corpus
corpus, base, output = map(Path, sys.argv[1:4])
task = Encode(LanguageModel(kind="language_model"))
began = time.perf_counter()
tokenize_corpus(corpus, Tokenizer(vocabulary=16_000, sentinels=0), task, output, SilentReporter(), int(sys.argv[4]), base=base)
seconds = time.perf_counter() - began
# not ru_maxrss, which a process takes over from the one that started it
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(seconds, int(status["VmHWM"].split()[0]) >> 10)
"""

Row = tuple[str, str, str]


def tokenization_rows() -> list[Row]:
    """Rows for the table."""
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as name:
        folder = Path(name)
        size, corpus = write_texts(folder / "corpus", MEGABYTES), folder / "corpus"
        base = train_small(corpus, folder)
        against_clm = compare(lambda: ours(corpus, base, folder / "ours"), lambda: _run_clm(corpus, base, folder / "clm"), rounds=3)
        against_bare = compare(lambda: ours(corpus, base, folder / "ours"), lambda: _bare(corpus, base), rounds=3)
        large_size, large = write_texts(folder / "large", LARGE_MB), folder / "large"
        one, two = interleaved(*(lambda n=n: alone(large, base, folder / "ours", n)[0] for n in (1, 2)), rounds=3)
        apart = cut(corpus, base, folder)
        _, memory = alone(corpus, base, folder / "ours")
    cpu = size / statistics.median(against_clm.ours_cpu)
    return [
        (f"tokenization of {size:.0f} MB, MB of text a second and core", f"{cpu:.1f}", ""),
        ("… beside the way of `run_clm` (map, group, save)", against_clm.speed(), "≥ 5.5 x by CPU time"),
        ("… beside bare tiktoken, ids in memory", against_bare.speed(), "≥ 0.8 x by CPU time"),
        (
            f"… of {large_size:.0f} MB with two processes instead of one",
            f"{statistics.median(o / t for o, t in zip(one, two, strict=True)):.2f} x the speed",
            "≥ 1.8 x",
        ),
        ("… as one share that is encoded ahead, instead of in one step; both keep their shards", apart.times(), ""),
        ("peak memory of the process that encodes", f"{memory} MB", "≤ 600 MB"),
    ]


def write_texts(folder: Path, megabytes: float) -> float:
    """Write a corpus of the Python source of this environment; its size in megabytes."""
    folder.mkdir()
    writers = {split: ShardWriter(folder, split, SHARD_MB) for split in ("train", "validation")}
    size = 0
    for number, text in enumerate(_texts()):
        writers["train" if number % 100 else "validation"].add(Document(document_id(text, None, None), "", "", text, None, None))
        size += len(text.encode())
        if size >= megabytes * 1e6:
            break
    for writer in writers.values():
        writer.close()
    return size / 1e6


def ours(corpus: Path, base: Path, output: Path, processes: int = 1) -> dict[str, int]:
    """Tokenize as a process that has done nothing before; the folder is written again each time."""
    encoder_of_process.cache_clear()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    return tokenize_corpus(corpus, PARAMS, TASK, output, SilentReporter(), processes, base=base)


def cut(corpus: Path, base: Path, folder: Path) -> Compared:
    """Encode the corpus as one share and join it, beside one step that does all; in one process, each time from an empty store."""
    outputs = [folder / name for name in ("cut-store", "cut-share", "cut-tokens")]

    def emptied() -> StoredIntermediates:
        for place in outputs:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        return StoredIntermediates(open_artifacts(Settings(store=f"file://{outputs[0]}", state=folder / "state")), {})

    def whole() -> None:
        encoder_of_process.cache_clear()
        tokenize_corpus(corpus, PARAMS, TASK, outputs[2], SilentReporter(), 1, base=base, intermediates=emptied())

    def shared() -> None:
        kept = emptied()
        encoder_of_process.cache_clear()
        encode_share(corpus, TASK, base, Share(number=1, of=1), outputs[1], SilentReporter(), kept)
        tokenize_corpus(corpus, PARAMS, TASK, outputs[2], SilentReporter(), 1, intermediates=kept, tokenizer=base)

    return compare(shared, whole, rounds=3)


def _texts() -> Iterator[str]:
    for place in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        pieces = (text[start : start + DOCUMENT_CHARS] for start in range(0, len(text), DOCUMENT_CHARS))
        yield from (piece for piece in pieces if len(piece) > 100)


def train_small(corpus: Path, folder: Path) -> Path:
    """The folder of a byte-level BPE, trained on one shard."""
    (folder / "part").mkdir()
    shutil.copy(shard_paths(corpus, "train")[0], folder / "part")
    (folder / "first").mkdir()
    tokenize_corpus(folder / "part", PARAMS, TASK, folder / "first", SilentReporter(), 2)
    return folder / "first" / TOKENIZER


def _run_clm(corpus: Path, base: Path, output: Path) -> None:
    """What `run_clm.py` of transformers does before training, in one process."""
    shutil.rmtree(output, ignore_errors=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(base / "tokenizer.json"))
    files = {split: [str(place) for place in shard_paths(corpus, split)] for split in ("train", "validation")}
    raw = datasets.load_dataset("parquet", data_files=files, cache_dir=str(output / "cache"), columns=["text"])
    encoded = raw.map(lambda rows: tokenizer(rows["text"]), batched=True, remove_columns=["text"], load_from_cache_file=False)
    encoded.map(_blocks, batched=True, load_from_cache_file=False).save_to_disk(str(output / "saved"))


def _blocks(rows: dict[str, list[list[int]]]) -> dict[str, Any]:
    joined = {name: list(chain(*values)) for name, values in rows.items()}
    length = len(next(iter(joined.values()))) // BLOCK * BLOCK
    found = {name: [ids[start : start + BLOCK] for start in range(0, length, BLOCK)] for name, ids in joined.items()}
    return {**found, "labels": found["input_ids"].copy()}


def _bare(corpus: Path, base: Path) -> int:
    """Read and encode, and nothing else."""
    encoding = tiktoken_encoding(load_content_tokenizer(base))
    assert encoding is not None
    texts = (document.text for split in ("train", "validation") for document in read_documents(corpus, split))
    return sum(len(encoding.encode_to_numpy(text, disallowed_special=())) for text in texts)


def alone(corpus: Path, base: Path, output: Path, processes: int = 1) -> tuple[float, int]:
    """Tokenize in a process of its own, which imports what the component imports: seconds, and megabytes at its peak."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    command = [sys.executable, "-c", ALONE, corpus, base, output, str(processes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak)
