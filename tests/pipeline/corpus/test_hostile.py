"""Whatever a source holds, ingestion ends with exact counts or with one line: generated records, files, and damage to files."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from pipeline.corpus.ingest import ingest_corpus
from pipeline.errors import TrainshedError
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part
from pipeline.tasks.summarization.section import Summarization

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = ("kept", "duplicate", "filtered", "quarantined")
ODD = st.sampled_from(
    [
        "\0",
        "\ud800",
        "\udcff",
        "\ufeff",
        "\u2028",
        "\x85",
        '"',
        "'",
        "\\",
        "\r",
        "\n",
        ",",
        ";",
        "]",
        "{",
        "人",
        "😀",
        "e\u0301" * 3,
        "NaN",
        "<s>",
        "word and word of it",
    ]
)
TEXT = st.lists(ODD | st.text(max_size=5), max_size=6).map("".join)
SCALAR = st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | TEXT
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6)
GOOD = st.integers(0, 99).map(
    lambda number: {"text": f"This is the text of number {number} for all.", "target": f"Answer of the number {number}"}
)
ROW = GOOD | st.fixed_dictionaries({}, optional={"text": VALUE, "target": VALUE, "group": VALUE, "name": VALUE})
RAW = st.sampled_from(
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"[1]",
        b"{",
        b'{"text": ',
        b'{"text": "a", "text": "b"}',
        b'{"text": NaN, "target": -Infinity}',
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
        b'{"text": "\xe9"}',
        b'{"text": "\\ud800 and more of this text"}',
        b"[" * 3000,
        b'{"a":' * 3000,
        b'{"text": ' + b"9" * 5000 + b"}",
        b'"',
        b'a,"b',
        b"\r",
    ]
)


def json_lines(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    return b"\n".join([*(json.dumps(row).encode() for row in rows), *raw])


def json_array(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    return b"[" + b",\n".join([*(json.dumps(row).encode() for row in rows), *raw]) + b"]"


def comma_separated(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["text", "target", "group", "name"])
    writer.writeheader()
    writer.writerows(rows)
    return b"\n".join([out.getvalue().encode("utf-8", "surrogatepass"), *raw])


def columns_of(rows: list[dict[str, Any]]) -> pa.Table:
    """As text where values differ in type; lone surrogates as bytes that are not UTF-8."""
    plain = [{name: str(value).encode("utf-8", "surrogatepass") for name, value in row.items() if value is not None} for row in rows]
    names = ("text", "target", "group", "name")
    return pa.table({name: pa.array([row.get(name) for row in plain], pa.binary()) for name in names})


def as_parquet(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(columns_of(rows), out)
    return out.getvalue()


def as_arrow(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    out, table = io.BytesIO(), columns_of(rows)
    with ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def as_sqlite(rows: list[dict[str, Any]], raw: list[bytes]) -> bytes:
    """Numbers as they are, other values as texts, also such as are not UTF-8; what is raw as a text or as bytes."""

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 63):
            return value
        return str(value).encode("utf-8", "surrogatepass")

    with tempfile.TemporaryDirectory() as scratch:
        connection = sqlite3.connect(Path(scratch) / "in.db")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text, target, 'group', name)")
        value = "CASE typeof(?{0}) WHEN 'blob' THEN CAST(?{0} AS TEXT) ELSE ?{0} END"
        statement = f"INSERT INTO rows VALUES (NULL, {', '.join(value.format(place) for place in range(1, 5))})"
        connection.executemany(statement, [[plain(row.get(name)) for name in ("text", "target", "group", "name")] for row in rows])
        connection.executemany("INSERT INTO rows VALUES (NULL, CAST(?1 AS TEXT), ?1, NULL, NULL)", [[data] for data in raw])
        connection.commit()
        connection.close()
        return (Path(scratch) / "in.db").read_bytes()


FORMS: dict[str, tuple[str, Callable[[list[dict[str, Any]], list[bytes]], bytes]]] = {
    "in.jsonl": ("jsonl", json_lines),
    "in.json": ("jsonl", json_array),
    "in.csv": ("csv", comma_separated),
    "in.txt": ("text", json_lines),
    "in.parquet": ("parquet", as_parquet),
    "in.arrow": ("arrow", as_arrow),
    "in.db": ("sql", as_sqlite),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".BZ2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
TASKS = [
    (Summarization(kind="summarization"), Columns(text="text", target="target", group="group", name="name")),
    (Classification(kind="classification"), Columns(text="text", target="target", group="group")),
    (LanguageModel(kind="language_model"), Columns(text="text", name="name")),
]
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "drop", "double", "zero"])), max_size=2)


def damaged(data: bytes, damage: list[tuple[float, str]]) -> bytes:
    for share, kind in damage:
        place = int(share * len(data))
        data = {
            "flip": data[:place] + bytes(byte ^ 0x41 for byte in data[place : place + 2]) + data[place + 2 :],
            "cut": data[:place],
            "drop": data[place:],
            "double": data[: place + 20] + data[place:],
            "zero": data[:place] + bytes(min(30, len(data) - place)) + data[place + 30 :],
        }[kind]
    return data


def check_ingestion(
    form: str, pack: str, rows: list[dict[str, Any]], raw: list[bytes], encoding: str | None, damage: list[tuple[float, str]], task: int
) -> None:
    kind, write = FORMS[form]
    if kind in ("parquet", "arrow", "sql"):
        pack, encoding = "", None
    data = write([*rows, *({"text": f"A text that is kept, number {number}.", "target": "a class"} for number in range(3))], raw)
    if encoding:
        data = data.decode("utf-8", "surrogatepass").encode(encoding, "replace") if _decodes(data) else data
    section, columns = TASKS[task]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "data").mkdir()
        (folder / "out").mkdir()
        (folder / "data" / (form + pack)).write_bytes(damaged(PACK[pack](data), damage))
        source = Source(kind=kind, path=str(folder / "data"), columns=Columns() if kind == "text" else columns)
        if kind == "sql":
            fields = {"path": str(folder / "data" / form), "table": "rows", "high_water": "id" if task else None}
            source = source.model_copy(update=fields)
        where = Settings(state=folder / "state", home=folder)
        settings_ = Data(source=source, filter=Filter(max_quarantined=1.0), split=Split(salt="s"))
        before = {place for place in folder.rglob("*") if place.is_file()}
        try:
            pin = PINNERS.load(kind)(source, where)
            counts = ingest_corpus(settings_, part(section, "examples"), pin, folder / "out", where, SilentReporter())
            refused = None
        except TrainshedError as error:
            counts, refused = {"read": 0}, error
        assert counts["read"] == sum(counts.get(outcome, 0) for outcome in OUTCOMES)
        assert refused is None or (refused.exit_code == 2 and "\n" not in str(refused)), refused
        outside = {place for place in folder.rglob("*") if place.is_file() and not place.is_relative_to(folder / "out")} - before
        assert all(place.is_relative_to(folder / "state") for place in outside)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


CASES = {
    "form": st.sampled_from(sorted(FORMS)),
    "pack": st.sampled_from(sorted(PACK)),
    "rows": st.lists(ROW, max_size=6),
    "raw": st.lists(RAW, max_size=3),
    "encoding": st.sampled_from([None, None, "utf-16", "utf-16-be", "utf-32", "cp1252"]),
    "damage": DAMAGE,
    "task": st.integers(0, len(TASKS) - 1),
}


NUMBERED = [{"text": f"This is the text of number {number} for all.", "target": f"Answer of the number {number}"} for number in range(3)]
"""With a byte of its dictionary page wrong, a reference of this file leads outside the dictionary."""


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(**CASES)
@example(form="in.parquet", pack="", rows=NUMBERED, raw=[], encoding=None, damage=[(0.017578125, "zero")], task=0)
@example(
    form="in.arrow", pack="", rows=[], raw=[], encoding=None, damage=[(0.3671875, "flip")], task=0
)  # declares more memory than there is
def test_any_source_gives_exact_counts_or_one_line(**case: Any) -> None:
    check_ingestion(**case)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(**CASES)
def test_ten_thousand_sources_give_exact_counts_or_one_line(**case: Any) -> None:
    check_ingestion(**case)


BOMB = """
import sys
from pathlib import Path
from pipeline.corpus.ingest import ingest_corpus
from pipeline.errors import TrainshedError
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part
kind, path, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
source, where = Source(kind=kind, path=path), Settings(state=folder / "state", home=folder)
data = Data(source=source, filter=Filter(max_quarantined=1.0), split=Split(salt="s"))
try:
    pin = PINNERS.load(kind)(source, where)
    print(ingest_corpus(data, part(LanguageModel(kind="language_model"), "examples"), pin, folder, where, SilentReporter()))
except TrainshedError as error:
    print(error)
print(next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
MOST_MB = 512
HUGE = 300 << 20


def _rle_frame() -> bytes:
    """A Zstandard frame whose every four bytes stand for 128 KB."""
    block = (((128 << 10) << 3) | (1 << 1)).to_bytes(3, "little") + b"a"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * 8000 + (1).to_bytes(3, "little")


def _many_small_objects() -> bytes:
    return b'{"text": "a text", "x": [' + b"{}," * 2_700_000 + b"{}]}\n"


def _long_window() -> bytes:
    """As ``zstd --long=28`` writes it: what is repeated is 100 MB away, so a reader has to hold 256 MB."""
    line = b'{"text": "%b"}\n'
    numbers = random.Random(1)
    lines = b"".join(line % numbers.randbytes(30_000).hex().encode() for _ in range(1700))
    params = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, enable_ldm=True)
    return zstandard.ZstdCompressor(compression_params=params).compress(lines * 3)


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zeros.jsonl.gz": ("jsonl", lambda: gzip.compress(bytes(HUGE))),
    "zeros.jsonl.bz2": ("jsonl", lambda: bz2.compress(bytes(HUGE))),
    "zeros.txt.xz": ("text", lambda: lzma.compress(bytes(HUGE), preset=0)),
    "brackets.json.zst": ("jsonl", lambda: zstandard.ZstdCompressor().compress(b"[{" * (8 << 20))),
    "quote.csv.gz": ("csv", lambda: gzip.compress(b'text\n"' + b"x,\n" * (4 << 20))),
    "blocks.jsonl.zst": ("jsonl", _rle_frame),
    "window.jsonl.zst": ("jsonl", _long_window),
    "line.jsonl": ("jsonl", lambda: b'{"text": "' + b"x" * (100 << 20) + b'"}\n'),
    "objects.jsonl": ("jsonl", _many_small_objects),
    "deep.jsonl": ("jsonl", lambda: b"[" * 100_000 + b"]" * 100_000 + b"\n"),
    "array.json": ("jsonl", lambda: b'[{"text": "' + b"x" * (100 << 20) + b'"}]'),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_memory_stays_below_the_cap(name: str, tmp_path: Path) -> None:
    kind, content = BOMBS[name]
    place = tmp_path / "data" / name
    place.parent.mkdir()
    place.write_bytes(content())
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BOMB, kind, str(place), str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told, peak = done.stdout.splitlines()
    assert int(peak) <= MOST_MB, told
    print(name, peak, told[:150])
