"""Encodings, compressions and JSON arrays: each gives what plain JSON Lines give, and a broken part costs one record or one line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, ipc, parquet

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.readers import expansion, json_array
from pipeline.corpus.readers.json_array import array_elements
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import BadInput
from pipeline.recipe import Columns, Filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.corpora import Ingest

Rows = list[dict[str, str]]
HALF = Filter(max_quarantined=0.5)


def texts(folder: Path) -> set[tuple[str, str | None, str, str]]:
    return {(found.text, found.target, found.name, found.group) for split in SPLITS for found in read_documents(folder, split)}


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("ending", sorted(COMPRESS))
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_every_compression_is_read_in_any_case_of_its_ending(
    ending: str, change: Callable[[str], str], tmp_path: Path, jsonl: Path, ingest: Ingest
) -> None:
    data, folder = jsonl.read_bytes(), tmp_path / "data"
    folder.mkdir()
    (folder / change(f"in.jsonl{ending}")).write_bytes(COMPRESS[ending](data[:9000]) + COMPRESS[ending](data[9000:]))
    assert texts(ingest("jsonl", folder, "packed")[0]) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
def test_a_compressed_file_without_its_ending_is_read(ending: str, tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    (tmp_path / "packed.jsonl").write_bytes(COMPRESS[ending](jsonl.read_bytes()))
    assert texts(ingest("jsonl", tmp_path / "packed.jsonl", "packed")[0]) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("ending", sorted(COMPRESS))
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_broken_stream_is_named(ending: str, damage: str, tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    place = tmp_path / f"in.jsonl{ending}"
    place.write_bytes(COMPRESS[ending](jsonl.read_bytes())[:-20] if damage == "cut" else b"this was never compressed")
    with pytest.raises(BadInput, match=rf"in\.jsonl\{ending} cannot be decompressed"):
        ingest("jsonl", place)


def test_memory_that_a_stream_asks_for_is_limited(tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    (tmp_path / "in.jsonl.xz").write_bytes(
        lzma.compress(jsonl.read_bytes(), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 300 << 20}])
    )
    window = zstandard.ZstdCompressionParameters(window_log=29)
    with (tmp_path / "in.jsonl.zst").open("wb") as file, zstandard.ZstdCompressor(compression_params=window).stream_writer(file) as stream:
        stream.write(jsonl.read_bytes())
    for name in ("in.jsonl.xz", "in.jsonl.zst"):
        with pytest.raises(BadInput, match=rf"{name} cannot be decompressed: .*; expected at most 256 MB; fix: compress it again"):
            ingest("jsonl", tmp_path / name, f"from {name}")


@pytest.mark.parametrize("ending", sorted(COMPRESS))
@pytest.mark.parametrize("kind", ["jsonl", "csv", "text"])
def test_a_bomb_is_refused_before_it_is_read(
    ending: str, kind: str, tmp_path: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "FREE_BYTES", 1 << 20)
    monkeypatch.setattr(expansion, "MAX_RATIO", 100)
    place = tmp_path / f"in.{kind}{ending}"
    place.write_bytes(COMPRESS[ending](b"body,summary,title,author\n" + bytes(40 << 20)))
    with pytest.raises(BadInput, match=rf"in\.{kind}\{ending} expands more than 100 times"):
        ingest(kind, place)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_the_first_bytes_show_is_decoded(kind: str, encoding: str, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest) -> None:
    rows[0]["body"] += " Ünïcode 人 and 😀."
    body = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    if kind == "csv":
        body = "\r\n".join(["body,summary,title,author", *(",".join(f'"{value}"' for value in row.values()) for row in rows)])
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / f"in.{kind}").write_bytes(body.encode(encoding))
    assert texts(ingest(kind, tmp_path / f"in.{kind}", "encoded")[0]) == texts(ingest("jsonl", jsonl)[0])


def test_bytes_that_cannot_be_decoded_cost_their_own_line(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    good = [json.dumps(row) for row in rows]
    bad = '{"body": "a lone surrogate \ud800 in the middle of this text"}'
    body = "\n".join([*good[:200], bad, *good[200:], ""])
    (tmp_path / "in.jsonl").write_bytes(body.encode("utf-16-le", "surrogatepass") + b"\x00")
    _, counts = ingest("jsonl", tmp_path / "in.jsonl", filter=HALF)
    assert (counts["kept"], counts["quarantined"]) == (400, 2)


def test_an_encoding_of_eight_bits_has_to_be_said(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    body = "".join(json.dumps({**row, "body": row["body"] + " Café."}, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "in.jsonl").write_bytes(body.encode("cp1252"))
    with pytest.raises(BadInput, match=r"400 times not UTF-8 \(first at in\.jsonl:1\).*; fix: set data\.source\.encoding, e\.g\. cp1252$"):
        ingest("jsonl", tmp_path / "in.jsonl")
    folder, counts = ingest("jsonl", tmp_path / "in.jsonl", "said", encoding="cp1252")
    assert counts["kept"] == 400
    assert all(row[0].endswith(" Café.") for row in texts(folder))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("piece", [7, 1 << 18])
def test_a_json_array_gives_what_json_lines_give(
    indent: int | None, piece: int, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "PIECE", piece)
    rows[0]["body"] += r' With \ and "quotes", {brackets] and \" and a \\'
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "in.json").write_text(json.dumps(rows, indent=indent) + "\n")
    assert texts(ingest("jsonl", tmp_path / "in.json", "array")[0]) == texts(ingest("jsonl", jsonl)[0])


def test_a_broken_element_costs_itself(tmp_path: Path, rows: Rows, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.corpus.readers.text_lines.MAX_LINE_BYTES", 2000)
    elements = [json.dumps(row) for row in rows]
    bad = [
        '{"body": nope}',
        "[1]",
        "",
        '{"body": "' + "x" * 3000 + '"}',
        '{"body": "a", "body": "b"}',
        "[" * 900 + "]" * 900,
        '{"body": 1}}',
    ]
    (tmp_path / "in.json").write_text("[" + ",".join([*elements[:50], *bad, *elements[50:]]) + "]")
    _, counts = ingest("jsonl", tmp_path / "in.json", filter=HALF)
    assert (counts["kept"], counts["quarantined"] + counts["filtered"]) == (400, len(bad) - 1)  # JSON knows no empty element: it is skipped


@pytest.mark.parametrize(
    ("end", "told"), [("", "ends inside its array"), ('{"body": "cut', "ends inside its array"), ("]]", "goes on behind")]
)
def test_an_array_that_does_not_end_is_refused(end: str, told: str, tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    (tmp_path / "in.json").write_text("[" + ",".join(map(json.dumps, rows)) + "," * (not end.startswith("]")) + end)
    with pytest.raises(BadInput, match=rf"in\.json {told} .*; expected one complete JSON array") as caught:
        ingest("jsonl", tmp_path / "in.json")
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\[]{},', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 0, 3]), st.booleans(), st.integers(1, 12))
def test_any_array_is_split_as_the_standard_library_does(values: list[object], indent: int | None, ascii_only: bool, piece: int) -> None:
    import io

    before, body = json_array.PIECE, json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    try:
        json_array.PIECE = piece
        found = [json.loads(text) for _, text in array_elements(io.BytesIO(body), "in.json") if isinstance(text, str)]
    finally:
        json_array.PIECE = before
    assert found == values


def write_feather(table: pa.Table, place: Path) -> None:
    feather.write_feather(table, str(place), compression="lz4", chunksize=150)


def write_stream(table: pa.Table, place: Path) -> None:
    with pa.OSFile(str(place), "wb") as file, ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=150)


ARROW: dict[str, Callable[[pa.Table, Path], None]] = {"feather": write_feather, "stream": write_stream}


@pytest.mark.parametrize("form", sorted(ARROW))
def test_arrow_files_give_what_json_lines_give(form: str, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest) -> None:
    ARROW[form](pa.Table.from_pylist(rows), tmp_path / "in.arrow")
    assert texts(ingest("arrow", tmp_path / "in.arrow", "arrow")[0]) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("form", sorted(ARROW))
@pytest.mark.parametrize("damage", [slice(None, -200), slice(9, None), slice(0, 5)])
def test_a_broken_arrow_file_is_named(form: str, damage: slice, tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    ARROW[form](pa.Table.from_pylist(rows), tmp_path / "in.arrow")
    (tmp_path / "in.arrow").write_bytes((tmp_path / "in.arrow").read_bytes()[damage])
    with pytest.raises(BadInput, match=r"in\.arrow is not a complete Arrow file") as caught:
        ingest("arrow", tmp_path / "in.arrow")
    assert "\n" not in str(caught.value)


def test_wrong_offsets_in_an_arrow_file_do_not_end_the_process(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    write_stream(pa.Table.from_pylist(rows), tmp_path / "in.arrow")
    data, rng = bytearray((tmp_path / "in.arrow").read_bytes()), random.Random(3)
    for place in rng.sample(range(700, 2500), 300):
        data[place] = rng.randrange(256)
    (tmp_path / "in.arrow").write_bytes(data)
    with pytest.raises(BadInput, match=r"in\.arrow"):
        ingest("arrow", tmp_path / "in.arrow")


def test_bad_utf8_inside_arrow_spoils_only_its_row(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    raw = pa.array([row["body"].encode() for row in rows[:-1]] + [b"caf\xe9 and more of this text"], pa.binary())
    bad = pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2])
    write_stream(pa.table({"body": bad}), tmp_path / "in.arrow")
    _, counts = ingest("arrow", tmp_path / "in.arrow", columns=Columns(text="body"), filter=HALF)
    assert (counts["kept"], counts["quarantined"]) == (399, 1)


NESTED = Columns(text="doc.body", target="doc.meta.summary", name="title", group="tags.0")


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "arrow"])
def test_a_dotted_path_finds_a_field_inside_others(kind: str, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest) -> None:
    deep = [
        {"doc": {"body": row["body"], "meta": {"summary": row["summary"]}}, "title": row["title"], "tags": [row["author"]]} for row in rows
    ]
    place = tmp_path / f"in.{kind}"
    columns, reader = NESTED, "jsonl"
    if kind in ("parquet", "arrow"):
        table, columns, reader = pa.Table.from_pylist(deep), NESTED.model_copy(update={"group": None}), kind
        parquet.write_table(table, place) if kind == "parquet" else write_stream(table, place)
    else:
        place.write_text(json.dumps(deep) if kind == "json" else "".join(json.dumps(row) + "\n" for row in deep))
    found = texts(ingest(reader, place, "deep", columns=columns)[0])
    expected = texts(ingest("jsonl", jsonl)[0])
    assert {row[:3] for row in found} == {row[:3] for row in expected}
    with pytest.raises(BadInput, match=r"'doc\.boddy'.*did you mean 'doc\.body'"):
        ingest(reader, place, "near", columns=Columns(text="doc.boddy"))


def test_a_field_whose_own_name_has_a_dot_is_found_first(tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest) -> None:
    flat = [{"doc.body": row["body"], "doc": {"body": "another text that is not wanted"}} for row in rows]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in flat))
    assert {row[0] for row in texts(ingest("jsonl", tmp_path / "in.jsonl", "dots", columns=Columns(text="doc.body"))[0])} == {
        row["body"] for row in rows
    }


def test_parquet_that_declares_what_no_text_has_is_refused(
    tmp_path: Path, rows: Rows, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x" * (1 << 16)
    twice = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array([text]))
    parquet.write_table(pa.table({"body": twice}), tmp_path / "refers.parquet")
    parquet.write_table(pa.table({"body": pa.array(["y" * (70 << 20)])}), tmp_path / "page.parquet", compression="zstd")
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "good.parquet")
    raw = (tmp_path / "good.parquet").read_bytes()
    size = int.from_bytes(raw[-8:-4], "little")
    for declared in (1 << 40, 1 << 62):
        footer = raw[-8 - size : -8].replace(b"\x16" + _zigzag(400), b"\x16" + _zigzag(declared))
        (tmp_path / f"rows-{declared}.parquet").write_bytes(raw[: -8 - size] + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    for name, told in {
        "refers": "expands more than 1000 times",
        "page": "column 'body' expands",
        f"rows-{1 << 40}": f"declares {1 << 40} rows in",
        f"rows-{1 << 62}": "declares",
    }.items():
        with pytest.raises(BadInput, match=rf"{name}\.parquet.*{told}"):
            ingest("parquet", tmp_path / f"{name}.parquet", name, columns=Columns(text="body"))


def _zigzag(number: int) -> bytes:
    """A number as Parquet's footer has it: a varint of twice its value."""
    rest, out = number << 1, b""
    while rest >= 128:
        out, rest = out + bytes([rest & 127 | 128]), rest >> 7
    return out + bytes([rest])
