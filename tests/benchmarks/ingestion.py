"""How fast a source becomes a corpus: plain, with near duplicates, in two processes, and again with one hundredth of new data.

The text is real: the sources and documents of the installed packages, as JSON Lines. Each run is a process of its own, so that its peak of
memory can be read. What is compared runs in turn. Where datatrove is installed, its near-deduplication reads the same text.
"""

from __future__ import annotations

import json
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

LARGE_MB, MORE_MB, FILE_MB = 100, 400, 4
"""Megabytes of text of the corpora, and of a file."""

DATATROVE_MB = 4
ROUNDS = 3
PIECE = 2000
ENDINGS = {".py", ".md", ".rst", ".txt", ".pyi"}


def ingestion_rows() -> list[tuple[str, str, str]]:
    """Rows for the table."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as name:
        folder = Path(name)
        write_text(folder / "more", MORE_MB)
        (folder / "large").mkdir()
        for place in sorted((folder / "more").iterdir())[: LARGE_MB // FILE_MB]:
            (folder / "large" / place.name).symlink_to(place)
        rows = _speed_rows(folder)
        return [*rows, _incremental_row(folder), *([_datatrove_row(folder)] if find_spec("datatrove") else [])]


def write_text(folder: Path, megabytes: int) -> None:
    """Write real text of this machine as JSON Lines, in files of some megabytes."""
    folder.mkdir()
    packages = Path(sysconfig.get_path("purelib")).resolve()
    written, lines, size, number = 0.0, list[str](), 0, 0
    for place in sorted(packages.rglob("*")):
        if written >= megabytes or place.suffix not in ENDINGS or not place.is_file():
            continue
        text = place.read_text(errors="ignore")
        for start in range(0, len(text), PIECE):
            group = place.relative_to(packages).parts[0]
            lines.append(json.dumps({"text": text[start : start + PIECE], "name": place.name, "group": group}) + "\n")
            size += len(lines[-1])
        if size >= FILE_MB * 1e6:
            (folder / f"part-{number:05d}.jsonl").write_text("".join(lines))
            written, lines, size, number = written + size / 1e6, [], 0, number + 1


def ingest(source: Path, processes: int = 1, *, near: bool = False, store: Path | None = None) -> dict[str, float]:
    """Ingest a folder in a process of its own.

    Returns:
        ``seconds``, ``cpu_seconds`` of all processes, ``peak_mb`` of the largest process, ``megabytes`` read.
    """
    given = json.dumps({"source": str(source), "processes": processes, "near": near, "store": str(store) if store else None})
    done = subprocess.run([sys.executable, "-m", "benchmarks.ingestion", given], capture_output=True, text=True, check=False)
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


def _datatrove_row(folder: Path) -> tuple[str, str, str]:
    """The four stages of datatrove's near-deduplication on one core, against all of an ingestion with it."""
    source = folder / "datatrove-in"
    source.mkdir()
    for place in sorted((folder / "large").iterdir())[: DATATROVE_MB // FILE_MB]:
        shutil.copy(place, source)
    megabytes = sum(place.stat().st_size for place in source.iterdir()) / 1e6
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.datatrove_run", str(source), str(folder / "datatrove-out")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    theirs = float(done.stdout.splitlines()[-1]) / megabytes
    ours = ingest(folder / "large", near=True)
    own = ours["cpu_seconds"] / ours["megabytes"]
    told = f"{theirs / own:.0f} x the speed by CPU time: {1 / own:.1f} MB/s against {1 / theirs:.2f} MB/s"
    return ("ingestion with near-deduplication against datatrove's near-deduplication alone, one core", told, "≥ 15 x")


def _speeds(runs: list[dict[str, float]]) -> str:
    speeds = [run["megabytes"] / run["seconds"] for run in runs]
    by_cpu = statistics.median(run["megabytes"] / run["cpu_seconds"] for run in runs)
    return f"{statistics.median(speeds):.1f} MB/s ({min(speeds):.1f} to {max(speeds):.1f}); {by_cpu:.1f} MB/s by CPU time"


def _run(given: dict[str, object]) -> dict[str, float]:
    """One ingestion, in this process."""
    import pandas  # noqa: F401, ICN001 - pyarrow imports it with its first array, where it is installed

    from pipeline.artifacts import open_artifacts
    from pipeline.artifacts.intermediates import StoredIntermediates
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
    data = Data(source=source, split=Split(salt="bench"), deduplication=Deduplication() if given["near"] else None)
    with tempfile.TemporaryDirectory(dir=Path(str(given["source"])).parent) as name:
        store = given["store"] or f"{name}/store"
        settings = Settings(store=f"file://{store}", state=Path(f"{store}-state"), source_roots=("/",))
        kept = StoredIntermediates(open_artifacts(settings), {})
        pinned = pin(source, settings)
        examples = part(LanguageModel(kind="language_model"), "examples")
        output = Path(name, "corpus")
        output.mkdir()
        began, before = time.perf_counter(), _cpu_seconds()
        keeping = Kept(kept, kept) if given["store"] else NOTHING_KEPT
        ingest_corpus(data, examples, pinned, output, settings, SilentReporter(), None, keeping, int(str(given["processes"])))
        seconds = time.perf_counter() - began
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    megabytes = sum(item.size for item in pinned.items) / 1e6
    return {"seconds": seconds, "cpu_seconds": _cpu_seconds() - before, "peak_mb": peak, "megabytes": megabytes}


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    print(json.dumps(_run(json.loads(sys.argv[1]))))
