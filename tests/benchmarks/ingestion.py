"""How fast a source becomes a corpus: plain, with near duplicates, in two processes, and again with one hundredth of new data.

The text is real: the sources and documents of the installed packages, as JSON Lines. Each run is a process of its own, so that its peak of
memory can be read. What is compared runs in turn. Where datatrove is installed, its near-deduplication reads the same text.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.local.command import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

RULES = (
    {"kind": "c4_lines", "terminal": False, "min_words": 3},
    {"kind": "repetition"},
    {"kind": "gopher"},
    {"kind": "c4", "min_sentences": 5},
)
"""The rules that datatrove is given too."""

LARGE_MB, MORE_MB, FILE_MB = 100, 400, 4
"""Megabytes of text of the corpora, and of a file."""

ROUNDS = 3
PIECE = 2000
ENDINGS = {".py", ".md", ".rst", ".txt", ".pyi"}
PACKAGES = Path(sysconfig.get_path("purelib")).resolve()
PROSE = {".md", ".rst", ".txt"}
SYSTEM = (Path("/usr/share/doc"),)
"""Where a Linux has more prose than packages have."""
PROSE_MB = 16
DATATROVE_FILES = 2
"""Files that datatrove reads, of 4 MB each: its start, about two seconds, counts too."""


def ingestion_rows() -> list[tuple[str, str, str]]:
    """Rows for the table."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as name:
        folder = Path(name)
        write_text(folder / "more", MORE_MB)
        (folder / "large").mkdir()
        for place in sorted((folder / "more").iterdir())[: LARGE_MB // FILE_MB]:
            (folder / "large" / place.name).symlink_to(place)
        rows = _speed_rows(folder)
        return [*rows, _incremental_row(folder), *(_datatrove_rows(folder) if find_spec("datatrove") else [])]


def write_text(
    folder: Path, megabytes: int, endings: Collection[str] = ENDINGS, roots: Iterable[Path] = (PACKAGES,), first: int = 0
) -> None:
    """Write real text of this machine as JSON Lines, in files of some megabytes.

    Args:
        folder: where the files go; it is made.
        megabytes: how much, if there is so much.
        endings: of the files that are read.
        roots: of their folders.
        first: characters of each file that are left out, so that another folder has other documents.
    """
    folder.mkdir()
    written, lines, size, number = 0.0, list[str](), 0, 0
    for root, place in ((one, place) for one in roots for place in sorted(one.rglob("*"))):
        if written >= megabytes or place.suffix not in endings or not place.is_file():
            continue
        text = place.read_text(errors="ignore")
        for start in range(first, len(text), PIECE):
            group = place.relative_to(root).parts[0]
            lines.append(json.dumps({"text": text[start : start + PIECE], "name": place.name, "group": group}) + "\n")
            size += len(lines[-1])
        if size >= FILE_MB * 1e6:
            (folder / f"part-{number:05d}.jsonl").write_text("".join(lines))
            written, lines, size, number = written + size / 1e6, [], 0, number + 1


def ingest(
    source: Path, processes: int = 1, *, near: bool = False, rules: bool = False, store: Path | None = None, corpus: Path | None = None
) -> dict[str, float]:
    """Ingest a folder in a process of its own.

    Returns:
        ``seconds``, ``cpu_seconds`` of all processes, ``peak_mb`` of the largest process, ``megabytes`` read, and the counts of the corpus.
    """
    given = json.dumps(
        {
            "source": str(source),
            "processes": processes,
            "near": near,
            "rules": rules,
            "store": str(store) if store else None,
            "corpus": str(corpus) if corpus else None,
        }
    )
    env = {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-m", "benchmarks.ingestion", given], capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _speed_rows(folder: Path) -> list[tuple[str, str, str]]:
    ways = {"plain": ("large", {}), "near": ("large", {"near": True}), "one": ("more", {}), "two": ("more", {"processes": 2})}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (source, arguments) in ways.items():
            found[name].append(ingest(folder / source, **arguments))
    speed = {name: _speeds(runs) for name, runs in found.items()}
    ratio = statistics.median(one["seconds"] / two["seconds"] for one, two in zip(found["one"], found["two"], strict=True))
    peak, larger = (max(run["peak_mb"] for run in found[name]) for name in ("plain", "one"))
    return [
        (f"ingestion of {LARGE_MB} MB of text, one process", speed["plain"], ""),
        ("the same with signatures and near-deduplication", speed["near"], ""),
        (f"ingestion of {MORE_MB} MB, one process", speed["one"], ""),
        ("the same in two processes", f"{speed['two']}; {ratio:.2f} x one process", ""),
        (f"peak memory of {MORE_MB} MB against {LARGE_MB} MB", f"{larger:.0f} MB against {peak:.0f} MB", "less than + 20 %"),
    ]


def _incremental_row(folder: Path) -> tuple[str, str, str]:
    """A full run into an empty store, and one with a new file of one hundredth of the text, in turn."""
    shares, by_cpu, seconds = [], [], []
    parts = sorted((folder / "more").iterdir())
    for number in range(ROUNDS):
        source, store = folder / f"source-{number}", folder / f"store-{number}"
        source.mkdir()
        for place in parts[:-1]:
            (source / place.name).symlink_to(place)
        full = ingest(source, near=True, store=store)
        shutil.copy(parts[-1], source / f"part-{number:05d}-new.jsonl")
        again = ingest(source, near=True, store=store)
        shares.append(again["seconds"] / full["seconds"])
        by_cpu.append(again["cpu_seconds"] / full["cpu_seconds"])
        seconds.append(again["seconds"])
    told = f"{statistics.median(shares):.1%} of the time of a full run ({min(shares):.1%} to {max(shares):.1%}), of its CPU time {statistics.median(by_cpu):.1%}; {statistics.median(seconds):.2f} s"
    return (f"again with 1 % of new text in {MORE_MB} MB, with near-deduplication", told, "≤ 5 %")


def _datatrove_rows(folder: Path) -> list[tuple[str, str, str]]:
    """datatrove and an ingestion on one core: its near-deduplication against all of ours; then the same work on prose."""
    write_text(folder / "prose", PROSE_MB, PROSE, [*SYSTEM, PACKAGES])
    some = {name: folder / f"{name}-some" for name in ("large", "prose")}
    for name, place in some.items():
        place.mkdir()
        for file in sorted((folder / name).iterdir())[:DATATROVE_FILES]:
            shutil.copy(file, place)
    near = _theirs("near", some["large"], folder / "out-near"), ingest(folder / "large", near=True)
    same = _theirs("all", some["prose"], folder / "out-all"), ingest(folder / "prose", near=True, rules=True)
    named = [
        ("ingestion with near-deduplication against datatrove's near-deduplication alone, one core", *near),
        ("the same work on prose: quality rules of Gopher and C4, exact and near deduplication; against datatrove, one core", *same),
    ]
    return [
        (name, f"{_cpu(ours) / theirs:.0f} x the speed by CPU time: {_cpu(ours):.1f} MB/s against {theirs:.2f} MB/s", "≥ 15 x")
        for name, theirs, ours in named
    ]


def _theirs(what: str, source: Path, output: Path) -> float:
    """Megabytes a second of CPU time of datatrove; the median of some runs."""
    megabytes, taken = sum(place.stat().st_size for place in source.iterdir()) / 1e6, list[float]()
    for number in range(ROUNDS):
        command = [sys.executable, "-m", "benchmarks.datatrove_run", what, str(source), f"{output}-{number}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        taken.append(float(done.stdout.splitlines()[-1]))
    return megabytes / statistics.median(taken)


def _cpu(run: dict[str, float]) -> float:
    return run["megabytes"] / run["cpu_seconds"]


def _speeds(runs: list[dict[str, float]]) -> str:
    speeds = [run["megabytes"] / run["seconds"] for run in runs]
    by_cpu = statistics.median(run["megabytes"] / run["cpu_seconds"] for run in runs)
    return f"{statistics.median(speeds):.1f} MB/s ({min(speeds):.1f} to {max(speeds):.1f}); {by_cpu:.1f} MB/s by CPU time"


def _run(given: dict[str, object]) -> dict[str, float]:
    """One ingestion, in this process."""
    import pandas  # noqa: F401, ICN001 - pyarrow imports it with its first array, where it is installed

    from pipeline.artifacts import open_artifacts
    from pipeline.artifacts.intermediates import StoredIntermediates
    from pipeline.corpus.cleaning import BLOCKS
    from pipeline.corpus.ingest import NOTHING_KEPT, Kept, ingest_corpus
    from pipeline.recipe import Columns, Data, Source, Split
    from pipeline.recipe.deduplication import Deduplication
    from pipeline.reporter import SilentReporter
    from pipeline.settings import Settings
    from pipeline.sources.files import pin
    from pipeline.tasks.language_model.section import LanguageModel
    from pipeline.tasks.parts import part

    columns = Columns(text="text", name="name", group="group")
    source = Source(kind="jsonl", path=str(given["source"]), columns=columns)
    blocks = [BLOCKS.load(each["kind"]).model_validate(each) for each in RULES] if given["rules"] else None
    data = Data(source=source, split=Split(salt="bench"), cleaning=blocks, deduplication=Deduplication() if given["near"] else None)
    with tempfile.TemporaryDirectory(dir=Path(str(given["source"])).parent) as name:
        store = given["store"] or f"{name}/store"
        settings = Settings(store=f"file://{store}", state=Path(f"{store}-state"), source_roots=("/",))
        kept = StoredIntermediates(open_artifacts(settings), {})
        pinned = pin(source, settings)
        examples = part(LanguageModel(kind="language_model"), "examples")
        output = Path(str(given["corpus"] or f"{name}/corpus"))
        output.mkdir()
        began, before = time.perf_counter(), _cpu_seconds()
        keeping = Kept(kept, kept) if given["store"] else NOTHING_KEPT
        counts = ingest_corpus(data, examples, pinned, output, settings, SilentReporter(), None, keeping, int(str(given["processes"])))
        seconds = time.perf_counter() - began
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    megabytes = sum(item.size for item in pinned.items) / 1e6
    return {"seconds": seconds, "cpu_seconds": _cpu_seconds() - before, "peak_mb": peak, "megabytes": megabytes, **counts}


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    print(json.dumps(_run(json.loads(sys.argv[1]))))
