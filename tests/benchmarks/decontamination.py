"""How well and how fast decontamination finds test texts, and what removing repeated lines costs: ``PYTHONPATH=.:tests python -m benchmarks.decontamination``.

The text is real: the sources and documents of the installed packages. Some of its documents are a benchmark, and quotes of these are planted
in others, with other case and punctuation. What is dropped is compared with a search of every run of words in Python sets.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ingestion import write_text

from pipeline.corpora.contamination import read_contamination
from pipeline.corpus.decontaminate import NO_BENCHMARKS, Benchmarks
from pipeline.corpus.ingest import NOTHING_KEPT, ingest_corpus
from pipeline.corpus.make_test_set import make_test_set
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.corpus.word_ngrams import word_key
from pipeline.lines.benchmarks import EVERY_TEXT
from pipeline.recipe import Data, Source, Split
from pipeline.recipe.decontamination import Benchmark, Decontamination
from pipeline.recipe.deduplication import Deduplication
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part
from pipeline.tasks.plain_texts import PlainTexts

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTES = 40
TEXTS = PLANTED = 1000
NGRAM = 13
COMMON = 10
"""Documents that a run may be in and still count, in the third way."""

LINES = 20
"""Documents that a line has to be in to be removed."""
ROUNDS = 3


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as name:
        folder = Path(name)
        quotes, near_misses = plant(folder)
        found: dict[str, list[dict[str, Any]]] = {"plain": [], "decontaminated": [], "without_common": [], "lines": []}
        for _ in range(ROUNDS):
            for way, runs in found.items():
                runs.append(_run(folder, way))
        plain, clean, uncommon, _ = (_texts(folder / way) for way in found)
        dropped, wanted = plain - clean, contaminated(plain, folder)
        print(f"documents {len(plain)}, contain a run of the benchmark {len(wanted)}, dropped {len(dropped)}")
        print(f"recall {len(dropped & wanted) / len(wanted):.4f}, precision {len(dropped & wanted) / len(dropped):.4f}")
        planted = {text for text in plain if any(text.startswith(mark) for mark in quotes)}
        print(f"planted quotes {len(planted)}, dropped {len(planted & dropped)}")
        missed = {text for text in plain if any(text.startswith(mark) for mark in near_misses)}
        print(
            f"planted with one word less {len(missed)}, dropped {len(missed & dropped)}, of which have another run {len(missed & wanted)}"
        )
        print(f"most_documents {COMMON}: dropped {len(plain - uncommon)}, of the planted quotes {len(planted - uncommon)}")
        for way, runs in found.items():
            seconds = [run["seconds"] for run in runs]
            peak = max(run["peak_mb"] for run in runs)
            print(f"{way}: {statistics.median(seconds):.1f} CPU s ({min(seconds):.1f} to {max(seconds):.1f}), peak {peak:.0f} MB")
        counts = found["lines"][0]["counts"]
        named = ("kept", "duplicate", "shortened", "removed_lines", "filtered_only_repeated")
        print(f"lines {LINES}: " + ", ".join(f"{name} {counts.get(name, 0)}" for name in named))
        print(json.dumps([{**row, "examples": row["examples"][:2]} for row in read_contamination(folder / "decontaminated")], indent=1))


def plant(folder: Path) -> tuple[list[str], list[str]]:
    """Write source and benchmark; returns how the documents begin that have a quote, and those with a quote that is a word too short."""
    draw = random.Random(1)
    write_text(folder / "whole", MEGABYTES)
    rows = [json.loads(line) for place in sorted((folder / "whole").iterdir()) for line in place.read_text().splitlines()]
    draw.shuffle(rows)
    benchmark, rest = rows[:TEXTS], rows[TEXTS:]
    marks: tuple[list[str], list[str]] = ([], [])
    for number in range(2 * PLANTED):
        words = word_key(draw.choice(benchmark)["text"]).split(" ")
        length = draw.randint(NGRAM, 40) if number % 2 == 0 else NGRAM - 1
        if len(words) < length:
            continue
        start = draw.randrange(len(words) - length + 1)
        quote = " ".join(draw.choice((word, word.upper(), f"{word},", f"“{word}”")) for word in words[start : start + length])
        mark, text = f"mark{number}x", rest[number]["text"]
        middle = text.find(" ", len(text) // 2)
        # strange words around it, so that a quote of twelve words is no run of thirteen by chance
        rest[number]["text"] = f"{mark} {text[:middle]} odd{number}a {quote} odd{number}b {text[middle:]}"
        marks[number % 2].append(f"{mark} ")
    for name, some in (("source", rest), ("benchmark", benchmark)):
        (folder / name).mkdir()
        for start in range(0, len(some), 2000):
            (folder / name / f"{start:06d}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some[start : start + 2000]))
    return marks


def contaminated(texts: set[str], folder: Path) -> set[str]:
    """The texts that have a run of the benchmark, by sets of tuples of words."""
    benchmark = [json.loads(line)["text"] for place in sorted((folder / "benchmark").iterdir()) for line in place.read_text().splitlines()]
    wanted = {run for words in map(_words, benchmark) if len(words) >= 8 for run in _runs(words, min(NGRAM, len(words)))}
    sizes = {len(run) for run in wanted}
    whole = {tuple(words) for words in map(_words, benchmark) if len(words) < 8}
    found = {text for text in texts if any(run in wanted for size in sizes for run in _runs(_words(text), size))}
    return found | {text for text in texts if tuple(_words(text)) in whole}


def _words(text: str) -> list[str]:
    return word_key(text).split(" ")


def _runs(words: list[str], size: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _texts(folder: Path) -> set[str]:
    return {document.text for split in (TRAIN, VALIDATION) for document in read_documents(folder, split)}


def _run(folder: Path, way: str) -> dict[str, Any]:
    """Ingest in a process of its own, so that its peak of memory can be read."""
    command = [sys.executable, "-m", "benchmarks.decontamination", str(folder), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, way: str) -> None:
    """One ingestion with or without decontamination, the making of the benchmark included; prints CPU seconds and peak."""
    settings = Settings(store="file:///nowhere", home=folder, state=folder / "state")
    begun, tests, rules = time.process_time(), NO_BENCHMARKS, None
    texts, examples = folder / f"{way}-benchmark", part(LanguageModel(kind="language_model"), "examples")
    if way in {"decontaminated", "without_common"}:
        source = Source(kind="jsonl", path=str(folder / "benchmark"))
        _empty(texts)
        data, pin = Data(source=source, filter=EVERY_TEXT, split=Split(salt="")), PINNERS.load("jsonl")(source, settings)
        make_test_set(data, PlainTexts(), pin, texts, settings, SilentReporter(), NOTHING_KEPT, 1)
        tests, most = Benchmarks(others=(texts,)), COMMON if way == "without_common" else None
        rules = Decontamination(against=(Benchmark(name="quiz", source=source),), ngram=NGRAM, most_documents=most)
    source = Source(kind="jsonl", path=str(folder / "source"))
    whole = Data(source=source, filter=EVERY_TEXT, split=Split(salt="s", test=1e-9, held_out_groups=0), decontamination=rules)
    if way == "lines":
        letters = EVERY_TEXT.model_copy(update={"whitespace": "collapse"})
        whole = whole.model_copy(update={"filter": letters, "deduplication": Deduplication(near=None, lines=LINES)})
    _empty(folder / way)
    pin = PINNERS.load("jsonl")(source, settings)
    counts = ingest_corpus(whole, examples, pin, folder / way, settings, SilentReporter(), processes=1, tests=tests)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.process_time() - begun, "peak_mb": peak, "counts": counts}))


def _empty(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for place in folder.iterdir():
        place.unlink()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
