"""Every kind of file, plain, compressed, from S3, and broken."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING

import boto3
import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import BadInput
from pipeline.recipe import Columns
from pipeline.reporter import SilentReporter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.corpora import Ingest
    from fixtures.s3 import S3Server

    from pipeline.recipe import Filter
    from pipeline.settings import Settings

Rows = list[dict[str, str]]


def write_csv(rows: Rows, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(rows: Rows, path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=150)


def texts(folder: Path) -> set[tuple[str, str | None, str, str]]:
    return {(found.text, found.target, found.name, found.group) for split in SPLITS for found in read_documents(folder, split)}


WRITERS: dict[str, Callable[[Rows, Path], None]] = {"csv": write_csv, "parquet": write_parquet}


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_each_kind_gives_what_jsonl_gives(kind: str, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest) -> None:
    WRITERS[kind](rows, tmp_path / f"in.{kind}")
    assert texts(ingest(kind, tmp_path / f"in.{kind}", kind)[0]) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("sign", [";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_separator_of_a_csv_file_is_read_from_its_header(
    sign: str, quoting: int, tmp_path: Path, rows: Rows, jsonl: Path, ingest: Ingest
) -> None:
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=sign, quoting=quoting)
        writer.writeheader()
        writer.writerows(rows)
    assert texts(ingest("csv", tmp_path / "in.csv", "csv")[0]) == texts(ingest("jsonl", jsonl)[0])


def test_endings_in_capitals_and_long_windows_are_decompressed(tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    (tmp_path / "IN.JSONL.GZ").write_bytes(gzip.compress(jsonl.read_bytes()))
    long = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    with (tmp_path / "in.jsonl.ZST").open("wb") as file, zstandard.ZstdCompressor(compression_params=long).stream_writer(file) as stream:
        stream.write(jsonl.read_bytes())
    expected = texts(ingest("jsonl", jsonl)[0])
    assert (
        texts(ingest("jsonl", tmp_path / "IN.JSONL.GZ", "gz")[0]) == texts(ingest("jsonl", tmp_path / "in.jsonl.ZST", "zst")[0]) == expected
    )


def test_two_columns_of_one_name_are_refused_only_where_the_recipe_names_them(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    columns = [pa.array([row[name] for row in rows]) for name in ("body", "summary", "body", "author", "author")]
    for names in (["body", "summary", "body", "a", "a"], ["body", "summary", "title", "a", "a"]):
        parquet.write_table(pa.Table.from_arrays(columns, names=names), tmp_path / f"{names[2]}.parquet")
    named = Columns(text="body", target="summary")
    with pytest.raises(BadInput, match=r"body\.parquet has two columns 'body'; fix: rename one of them"):
        ingest("parquet", tmp_path / "body.parquet", columns=named)
    assert ingest("parquet", tmp_path / "title.parquet", "title", columns=named)[1]["kept"] == 400


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_compressed_streams_of_several_members_are_read_to_the_end(ending: str, tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    compress = gzip.compress if ending == ".gz" else zstandard.ZstdCompressor().compress
    data = jsonl.read_bytes()
    packed = tmp_path / f"in.jsonl{ending}"
    packed.write_bytes(compress(data[:5000]) + compress(data[5000:]))
    assert texts(ingest("jsonl", packed, "packed")[0]) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_broken_stream_is_named(ending: str, damage: str, tmp_path: Path, jsonl: Path, ingest: Ingest) -> None:
    compress = gzip.compress if ending == ".gz" else zstandard.ZstdCompressor().compress
    packed = tmp_path / f"in.jsonl{ending}"
    packed.write_bytes(compress(jsonl.read_bytes())[:-20] if damage == "cut" else b"this was never compressed")
    with pytest.raises(BadInput, match=f"in.jsonl{ending} cannot be decompressed"):
        ingest("jsonl", packed)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_objects_are_read_as_files_are(
    kind: str, tmp_path: Path, rows: Rows, jsonl: Path, s3_server: S3Server, s3_settings: Settings, ingest: Ingest
) -> None:
    write_parquet(rows, tmp_path / "in.parquet")
    body = {"jsonl": gzip.compress(jsonl.read_bytes()), "parquet": (tmp_path / "in.parquet").read_bytes()}[kind]
    root = f"{s3_settings.store.removeprefix('s3://').partition('/')[2]}/in"
    key = f"{root}/rows.{kind}" + (".gz" if kind == "jsonl" else "")
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    client.put_object(Bucket=s3_server.bucket, Key=key, Body=body)
    folder, _ = ingest(kind, f"s3://{s3_server.bucket}/{root}", "from_s3", settings=s3_settings)
    assert texts(folder) == texts(ingest("jsonl", jsonl)[0])


@pytest.mark.parametrize("damage", [slice(None, -100), slice(100, None)])
def test_a_corrupt_parquet_file_is_named(damage: slice, tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    place = tmp_path / "in.parquet"
    write_parquet(rows, place)
    place.write_bytes(place.read_bytes()[damage])
    with pytest.raises(BadInput, match=r"in.parquet is not a complete Parquet file") as caught:
        ingest("parquet", place)
    assert "\n" not in str(caught.value)


def test_a_flipped_page_of_a_parquet_file_is_named(tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    place = tmp_path / "in.parquet"
    write_parquet(rows, place)
    data = bytearray(place.read_bytes())
    data[4:40] = b"\xff" * 36
    place.write_bytes(data)
    with pytest.raises(BadInput, match=r"in\.parquet"):
        ingest("parquet", place)


def test_bad_utf8_inside_parquet_spoils_only_its_row(tmp_path: Path, rows: Rows, lenient: Filter, ingest: Ingest) -> None:
    raw = pa.array([row["body"].encode() for row in rows[:-1]] + [b"caf\xe9 and more of this text"], pa.binary())
    bad = pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2])
    parquet.write_table(pa.table({"body": bad}), tmp_path / "in.parquet")
    _, counts = ingest("parquet", tmp_path / "in.parquet", columns=Columns(text="body"), filter=lenient)
    assert (counts["kept"], counts["quarantined"]) == (399, 1)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_missing_column_gets_the_near_name(kind: str, tmp_path: Path, rows: Rows, ingest: Ingest) -> None:
    WRITERS[kind](rows, tmp_path / f"in.{kind}")
    with pytest.raises(BadInput, match="did you mean 'body'"):
        ingest(kind, tmp_path / f"in.{kind}", columns=Columns(text="boddy"))


def test_broken_rows_of_a_csv_file_spoil_only_themselves(tmp_path: Path, rows: Rows, lenient: Filter, ingest: Ingest) -> None:
    place = tmp_path / "in.csv"
    write_csv([*rows, {**rows[0], "body": 'A text\nof two lines, with a comma and a "quote".'}], place)
    with place.open("ab") as file:
        file.write(b"only,three,fields\ncaf\xe9 is not UTF-8 here,Summary it is.,t,a\n\n")
        file.write(b"The last of all the texts in here.,Last of all.,t,a\n")
    folder, counts = ingest("csv", place, filter=lenient)
    assert (counts["kept"], counts["quarantined"]) == (402, 2)
    assert 'A text\nof two lines, with a comma and a "quote".' in {row[0] for row in texts(folder)}


def test_a_quote_that_is_never_closed_is_quarantined(tmp_path: Path, rows: Rows, lenient: Filter, ingest: Ingest) -> None:
    place = tmp_path / "in.csv"
    write_csv(rows, place)
    with place.open("a") as file:
        file.write('"a quote that is never closed,x,y,z\n')
    _, counts = ingest("csv", place, filter=lenient)
    assert (counts["kept"], counts["quarantined"]) == (400, 1)


def test_a_text_file_becomes_documents_of_whole_paragraphs(tmp_path: Path, ingest: Ingest) -> None:
    paragraphs = [f"Paragraph {index}. " + f"Sentence of the paragraph number {index}. " * 10 for index in range(200)]
    (tmp_path / "book.txt").write_text("\n\n".join(paragraphs))
    (tmp_path / "note.txt").write_text("A short note.\n\nOf two paragraphs.\n")
    folder, counts = ingest("text", tmp_path, columns=Columns(), split={"held_out_groups": 0})
    found = [document for split in SPLITS for document in read_documents(folder, split)]
    assert counts["kept"] == len(found) > 10
    assert {document.text for document in found if document.group == "note.txt"} == {"A short note.\n\nOf two paragraphs."}
    pieces = [piece for document in found if document.group == "book.txt" for piece in document.text.split("\n\n")]
    assert sorted(pieces) == sorted(paragraph.strip() for paragraph in paragraphs)


def test_a_line_without_end_is_skipped_not_held_in_memory(tmp_path: Path, jsonl: Path, lenient: Filter, ingest: Ingest) -> None:
    packed = tmp_path / "in.jsonl.gz"
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for _ in range(40):
            file.write(b" " * (1 << 20))
        file.write(b"\n" + jsonl.read_bytes())
    _, counts = ingest("jsonl", packed, filter=lenient)
    assert (counts["kept"], counts["quarantined"]) == (400, 1)


def test_the_digest_of_a_large_file_is_reported(tmp_path: Path, rows: Rows, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recording(SilentReporter):
        def __init__(self) -> None:
            self.done: list[float] = []

        def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
            self.done.append(done)

    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("pipeline.corpus.readers.open_item.PIECE_BYTES", 4096)
    reporter = Recording()
    ingest("jsonl", source, reporter=reporter)
    assert reporter.done.count(0.0) >= source.stat().st_size // 4096
