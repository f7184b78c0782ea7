"""Chunks: the corpus has the same bytes however it was made, and nothing that was finished is made again."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.corpora import COLUMNS
from fixtures.killing import killed_at_random
from pyarrow import parquet

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import PREFIX, NothingKept, StoredIntermediates
from pipeline.artifacts.manifest import FileEntry
from pipeline.corpus import chunks, clean_chunk, cleaned_chunks
from pipeline.corpus.chunks import divide
from pipeline.corpus.cleaning_inputs import CleaningInputs
from pipeline.corpus.counts import check_counts
from pipeline.corpus.ingest import Kept, ingest_corpus
from pipeline.erasure.keys import text_key
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.errors import BadInput, Preempted
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.recipe.deduplication import Deduplication
from pipeline.reporter import SilentReporter
from pipeline.sources.base import Pin, PinnedItem
from pipeline.sources.files import pin
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings

FILES, ROWS = 12, 60
WORDS = ("lantern", "saddle", "garden", "anchor", "ledger", "harbour", "hollow", "engine", "river", "copper")


def write_source(folder: Path, numbers: range | list[int]) -> Path:
    """Files of 60 records; some records are in two files, some cannot be read, some are too short."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        draw = random.Random(number)
        rows: list[dict[str, object]] = []
        for index in range(ROWS):
            # every sixth record is one that any file may have
            key = draw.randrange(40) if index % 6 == 0 else number * 1000 + index
            words = random.Random(key).choices(WORDS, k=20)
            rows.append({"body": " ".join(words), "summary": f"Summary {key % 700} of it.", "title": f"t{key}", "author": f"a{key % 23}"})
        lines = [json.dumps(row) for row in rows]
        lines[7] = "no json"
        lines[11] = json.dumps({**rows[11], "body": "short"})
        (folder / f"part-{number:03d}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 12_000)
    monkeypatch.setattr(cleaned_chunks, "BYTES_A_PROCESS", 1)


@pytest.fixture
def make(tmp_path: Path, folder_settings: Settings) -> Callable[..., dict[str, bytes]]:
    """Ingest a folder; the files of the corpus, and its counts as a file."""

    def run(
        source: Path,
        name: str,
        intermediates: Intermediates | None = None,
        processes: int = 1,
        reporter: Reporter | None = None,
        columns: Columns = COLUMNS,
        forgotten: Forgotten | None = None,
        **changes: object,
    ) -> dict[str, bytes]:
        output = tmp_path / name
        output.mkdir()
        near = changes.pop("deduplication", None)
        split = Split(salt="chunks", test=0.2, validation=0.1, held_out_groups=0.1, **changes)
        rules = Filter(max_quarantined=0.5)
        data = Data(
            source=Source(kind="jsonl", path=str(source), columns=columns), split=split, filter=rules, shard_mb=1, deduplication=near
        )
        examples = WrittenExamples(Summarization(kind="summarization"))
        pinned = pin(data.source, folder_settings)
        kept = Kept(intermediates or NothingKept(), intermediates or NothingKept())
        counts = ingest_corpus(
            data,
            examples,
            pinned,
            output,
            folder_settings,
            reporter or SilentReporter(),
            None,
            kept,
            processes,
            CleaningInputs(forgotten or Forgotten()),
        )
        check_counts(output, counts)
        return {place.name: place.read_bytes() for place in sorted(output.iterdir())} | {"counts": json.dumps(counts).encode()}

    return run


def stored(settings: Settings) -> StoredIntermediates:
    return StoredIntermediates(open_artifacts(settings), {"code": "1"})


def test_chunks_are_consecutive_items_and_all_of_them() -> None:
    draw = random.Random(1)
    items = tuple(PinnedItem(name=f"f{number:04d}", revision=f"r{number}", size=draw.randrange(9000)) for number in range(500))
    pinned = Pin(kind="jsonl", items=items)
    assert pinned.digest
    found = divide(pinned)
    assert len({chunk.digest for chunk in found} | {pinned.digest}) == len(found) + 1
    assert [item for chunk in found for item in chunk.items] == list(items)
    assert 40 < len(found) < chunks.MANY
    assert divide(Pin(kind="catalogue", items=items, together=True)) == [Pin(kind="catalogue", items=items, together=True)]


def test_a_new_item_changes_only_the_chunks_at_its_place() -> None:
    items = [PinnedItem(name=f"f{number:04d}", revision=f"r{number}", size=3000) for number in range(400)]
    before = {chunk.digest for chunk in divide(Pin(kind="jsonl", items=tuple(items)))}
    changed = []
    for place in range(5, 400, 40):
        joined = [*items[:place], PinnedItem(name=f"f{place:04d}b", revision="new", size=3000), *items[place:]]
        changed.append(len({chunk.digest for chunk in divide(Pin(kind="jsonl", items=tuple(joined)))} - before))
    assert max(changed) <= 8
    assert sum(changed) / len(changed) < 4


@pytest.mark.parametrize("changes", [{}, {"near_copies": "drop"}, {"by": "group"}, {"by": "input"}, {"deduplication": Deduplication()}])
def test_the_chunks_do_not_matter(
    changes: dict[str, str], tmp_path: Path, make: Callable[..., dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_source(tmp_path / "in", range(FILES))
    found = make(source, "many", **changes)
    for number, size in enumerate((1, 40_000, 1 << 30)):
        monkeypatch.setattr(chunks, "CHUNK_BYTES", size)
        assert make(source, f"other{number}", **changes) == found
    counts = json.loads(found["counts"])
    assert counts["read"] == FILES * ROWS
    assert counts["quarantined"] == counts["filtered_too_short"] == FILES
    assert counts["duplicate"] > 20


def test_one_two_and_four_processes_make_the_same_corpus(tmp_path: Path, make: Callable[..., dict[str, bytes]]) -> None:
    source = write_source(tmp_path / "in", range(FILES))
    assert make(source, "one", processes=1) == make(source, "two", processes=2) == make(source, "four", processes=4)


def test_an_incremental_ingestion_reads_what_is_new_and_makes_the_bytes_of_a_full_one(
    tmp_path: Path, make: Callable[..., dict[str, bytes]], folder_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = clean_chunk.clean_chunk

    def noting(job: clean_chunk.CleanJob, reporter: Reporter) -> None:
        read.extend(Path(item.name).name for item in job.pin.items)
        original(job, reporter)

    monkeypatch.setattr(cleaned_chunks, "clean_chunk", noting)
    source = write_source(tmp_path / "in", range(FILES))
    make(source, "first", stored(folder_settings))
    assert sorted(read) == sorted(place.name for place in source.iterdir())
    for step, numbers in enumerate(([FILES], [FILES + 1, FILES + 2])):
        read.clear()
        write_source(source, numbers)
        found = make(source, f"joined{step}", stored(folder_settings))
        assert {f"part-{number:03d}.jsonl" for number in numbers} <= set(read)
        assert len(read) <= 6
        read.clear()
        assert make(source, f"again{step}", stored(folder_settings)) == found
        assert read == []
        assert make(source, f"full{step}") == found
    (source / "part-003.jsonl").unlink()
    read.clear()
    assert make(source, "left", stored(folder_settings)) == make(source, "left-full")
    assert len(read) - len(list(source.iterdir())) <= 6  # the full one reads all


def test_other_params_clean_again_and_other_shares_do_not(
    tmp_path: Path, make: Callable[..., dict[str, bytes]], folder_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_source(tmp_path / "in", range(3))
    make(source, "first", stored(folder_settings))
    count = len(list(open_artifacts(folder_settings).store.list(PREFIX)))
    monkeypatch.setattr(cleaned_chunks, "clean_chunk", None)  # cleaning would fail
    make(source, "by", stored(folder_settings), by="input")
    monkeypatch.undo()
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 12_000)
    make(source, "columns", stored(folder_settings), columns=COLUMNS.model_copy(update={"name": None}))
    assert len(list(open_artifacts(folder_settings).store.list(PREFIX))) > count + 2


class StopsAfter(SilentReporter):
    """Is asked to stop after some looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        self.looks -= 1

    def stopping(self) -> bool:
        return self.looks < 0


def test_a_stopped_ingestion_goes_on_where_it_was(
    tmp_path: Path, make: Callable[..., dict[str, bytes]], folder_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_chunk, "STOP_CHECK_EVERY", 10)
    source = write_source(tmp_path / "in", range(FILES))
    with pytest.raises(Preempted):
        make(source, "stopped", stored(folder_settings), reporter=StopsAfter(5))
    kept = len(list(open_artifacts(folder_settings).store.list(PREFIX)))
    assert 0 < kept < FILES
    assert make(source, "on", stored(folder_settings)) == make(source, "undisturbed")


def test_a_damaged_chunk_is_cleaned_again(tmp_path: Path, make: Callable[..., dict[str, bytes]], folder_settings: Settings) -> None:
    source = write_source(tmp_path / "in", range(FILES))
    found = make(source, "first", stored(folder_settings))
    root = Path(folder_settings.store.removeprefix("file://"))
    draw = random.Random(4)
    for place in draw.sample(sorted((root / "blobs").iterdir()), 12):
        place.write_bytes(place.read_bytes()[:-5] + b"wrong")
    for place in draw.sample(sorted((root / PREFIX).iterdir()), 3):
        place.write_bytes(b"{}")
    other = folder_settings.model_copy(update={"state": tmp_path / "another machine", "store": folder_settings.store})
    assert make(source, "again", stored(other)) == found
    assert make(source, "mended", stored(other)) == found


def test_a_field_that_only_some_chunks_have_is_no_error(tmp_path: Path, make: Callable[..., dict[str, bytes]]) -> None:
    source = write_source(tmp_path / "in", range(2))
    (source / "part-000.jsonl").write_text("".join(json.dumps({"body": f"Text of number {index} alone."}) + "\n" for index in range(9)))
    counts = json.loads(make(source, "some")["counts"])
    assert counts["read"] == 9 + ROWS
    with pytest.raises(BadInput, match=r"unknown field.*'sumary'; expected.*did you mean 'summary'"):
        make(source, "none", columns=COLUMNS.model_copy(update={"target": "sumary"}))


WORKER = """
import sys
from pathlib import Path
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus import chunks, clean_chunk, cleaned_chunks
from pipeline.corpus.clean_share import clean_share
from pipeline.corpus.ingest import Kept, ingest_corpus
from pipeline.recipe import Data
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources.files import pin
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

def main():
    chunks.CHUNK_BYTES, cleaned_chunks.BYTES_A_PROCESS = 12_000, 1
    settings = Settings.model_validate_json(sys.argv[1])
    data = Data.model_validate_json(sys.argv[2])
    output, processes, share, shares = Path(sys.argv[3]), *map(int, sys.argv[4:])
    output.mkdir()
    print("begun", flush=True)
    kept = StoredIntermediates(open_artifacts(settings), {"code": "1"})
    original = kept.commit
    def commit(what, folder):
        original(what, folder)
        print(folder.name, flush=True)
    kept.commit = commit
    examples = WrittenExamples(Summarization(kind="summarization"))
    source, reporter = pin(data.source, settings), SilentReporter()
    if share:
        clean_share(data, examples, source, share, shares, output, settings, reporter, kept, processes)
    else:
        ingest_corpus(data, examples, source, output, settings, reporter, None, Kept(kept, kept), processes)
    print("done", flush=True)

if __name__ == "__main__":
    main()
"""


def killed(tmp_path: Path, settings: Settings, kills: int, processes: int = 1, shares: int = 0) -> None:
    """Kill ingestions, and the steps that share their cleaning: no chunk is cleaned twice."""
    source = write_source(tmp_path / "in", range(FILES))
    rules = Split(salt="chunks", test=0.2, validation=0.1, held_out_groups=0.1)
    data = Data(source=Source(kind="jsonl", path=str(source), columns=COLUMNS), split=rules, filter=Filter(max_quarantined=0.5), shard_mb=1)
    script = tmp_path / "ingest.py"
    script.write_text(WORKER)

    def arguments(output: Path, store: str, share: int) -> list[str]:
        where = settings.model_copy(update={"store": f"file://{tmp_path}/stores/{store}"})
        return [str(script), where.model_dump_json(), data.model_dump_json(), str(output), str(processes), str(share), str(shares)]

    killed_at_random(arguments, tmp_path, kills, time.time_ns(), shares)


@pytest.mark.parametrize(("processes", "shares"), [(2, 0), (1, 2)])
def test_killed_at_random_moments_it_ends_with_the_same_corpus(
    processes: int, shares: int, tmp_path: Path, folder_settings: Settings
) -> None:
    killed(tmp_path, folder_settings, 2, processes, shares)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("processes", "shares"), [(1, 0), (2, 0), (1, 2), (1, 4)])
def test_killed_at_fifty_random_moments_it_ends_with_the_same_corpus(
    processes: int, shares: int, tmp_path: Path, folder_settings: Settings
) -> None:
    killed(tmp_path, folder_settings, 50, processes, shares)


@pytest.mark.parametrize("processes", [1, 2])
def test_chunks_that_hold_a_forgotten_document_are_used_no_more(
    processes: int, tmp_path: Path, make: Callable[..., dict[str, bytes]], folder_settings: Settings
) -> None:
    source, planted = write_source(tmp_path / "in", range(FILES)), "Somebody wrote this and asked to forget it later."
    with (source / "part-004.jsonl").open("a") as file:
        file.write(json.dumps({"body": planted, "summary": "Somebody asked.", "title": "t", "author": "a"}) + "\n")
    before = stored(folder_settings)
    first = make(source, "first", before)
    entry = Tombstone(number=1, time=datetime.now(UTC), person="ada", texts=(text_key(planted),))
    after = stored(folder_settings)
    second = make(source, "second", after, processes, forgotten=Forgotten([entry]))
    counts, less = json.loads(first["counts"]), json.loads(second["counts"])
    assert (less["filtered_forgotten"], less["kept"], less["read"]) == (1, counts["kept"] - 1, counts["read"])
    # what the second corpus was made of, garbage collection keeps
    store = open_artifacts(folder_settings)
    assert holds(planted, before.used, store, tmp_path / "a")
    assert not holds(planted, after.used, store, tmp_path / "b")


def holds(text: str, used: list[str], artifacts: Artifacts, folder: Path) -> bool:
    """Whether a Parquet file of some intermediate results has a text."""
    folder.mkdir()
    for fingerprint in used:
        record = json.loads(artifacts.store.get(f"{PREFIX}{fingerprint}.json").data)
        artifacts.get_files([FileEntry(**{**each, "path": f"{fingerprint}/{each['path']}"}) for each in record["files"]], folder)
    tables = [parquet.read_table(place, partitioning=None) for place in folder.rglob("*.parquet")]
    assert tables
    return any(text in table["text"].to_pylist() for table in tables if "text" in table.schema.names)
