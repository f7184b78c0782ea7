"""CSV: a broken record costs one record, and never becomes several."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.readers import text_lines
from pipeline.corpus.readers.csv_records import CsvRecords
from pipeline.corpus.splitting import SPLITS
from pipeline.errors import BadInput
from pipeline.recipe import Columns, Filter, Source
from pipeline.recipe.source_checks import source_problem

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

COLUMNS = Columns(text="text", target="summary")
ALL = Filter(max_quarantined=1.0)


def row(number: int, *, sign: str = ",") -> str:
    return f"This is the text of number {number} and more{sign}Summary of the number {number}.\n"


def ingested(ingest: Ingest, body: str | bytes, tmp_path: Path, name: str = "in", **changes: object) -> tuple[set[str], dict[str, int]]:
    place = tmp_path / f"{name}.csv"
    place.write_bytes(body.encode() if isinstance(body, str) else body)
    folder, counts = ingest("csv", place, name, columns=COLUMNS, filter=ALL, split={"held_out_groups": 0}, **changes)
    assert counts["read"] == sum(counts[outcome] for outcome in ("kept", "duplicate", "filtered", "quarantined"))
    return {found.text for split in SPLITS for found in read_documents(folder, split)}, counts


HEAD = "text,summary\n"
GOOD = [row(number) for number in range(40)]


@pytest.mark.parametrize("size", [131_073, 1_200_000, 20_000_000])
def test_a_field_of_any_length_is_one_record(size: int, tmp_path: Path, ingest: Ingest) -> None:
    line = "a line of one long quoted field, still the same record\n"
    long = f'"{line * (size // len(line))}","a summary of it"\n'
    texts, counts = ingested(ingest, HEAD + "".join(GOOD[:20]) + long + "".join(GOOD[20:]), tmp_path)
    assert counts["read"] == 41
    assert (counts["kept"], counts["quarantined"] + counts["filtered"]) == (40, 1)
    assert not any("still the same" in text for text in texts)


BROKEN = {
    "text behind a quote": '"He said "hi", and left",a summary of it\n',
    "over several lines": '"a text says "hi, you", and\nmore, of it\nand the end","the summary"\n',
    "too few fields": "one field only\n",
    "too many fields": "one, two, three\n",
    "not UTF-8": b"caf\xe9 is a place to sit, and a summary\n",
    "not UTF-8, over lines": b'"a text with caf\xe9\nand another, line","a summary"\n',
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_record_makes_no_other(kind: str, tmp_path: Path, ingest: Ingest) -> None:
    broken = BROKEN[kind]
    body = (HEAD + "".join(GOOD[:20])).encode() + (broken if isinstance(broken, bytes) else broken.encode()) + "".join(GOOD[20:]).encode()
    texts, counts = ingested(ingest, body, tmp_path)
    assert texts == {text.partition(",")[0] for text in GOOD}
    assert counts["kept"] == 40
    assert counts["quarantined"] >= 1


def test_a_quote_that_is_never_closed_costs_every_line_that_it_may_have_swallowed(tmp_path: Path, ingest: Ingest) -> None:
    texts, counts = ingested(ingest, HEAD + "".join(GOOD[:20]) + '"' + "".join(GOOD[20:]), tmp_path)
    assert (counts["read"], counts["kept"], counts["quarantined"]) == (40, 20, 20)
    assert len(texts) == 20


def test_behind_a_wrong_quote_the_next_record_in_quotes_is_read(tmp_path: Path, ingest: Ingest) -> None:
    quoted = [f'"This is the text, of number {number}","And summary {number} of it"\n' for number in range(40)]
    _, counts = ingested(
        ingest, HEAD + "".join(quoted[:20]) + '"a disk of 5" is no floppy, is it","summary"\n' + "".join(quoted[20:]), tmp_path
    )
    assert (counts["kept"], counts["quarantined"]) == (40, 1)
    _, counts = ingested(ingest, HEAD + "".join(quoted[:20]) + '"opened, and not closed\n' + "".join(quoted[20:]), tmp_path, "opened")
    assert (counts["kept"], counts["quarantined"]) == (40, 1)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_delimiter_and_quote_are_read_from_the_header(sign: str, quote: str, tmp_path: Path, ingest: Ingest) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, quotechar=quote, quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "summary"])
    writer.writerows(
        [f"A text{sign} with it, of number {number} and {quote}more{quote}", f"Summary of number {number}"] for number in range(40)
    )
    texts, counts = ingested(ingest, out.getvalue(), tmp_path)
    assert counts["kept"] == 40
    assert " ".join(f"A text{sign} with it, of number 7 and {quote}more{quote}".split()) in texts


def test_delimiter_and_quote_of_the_recipe_are_taken(tmp_path: Path) -> None:
    from pipeline.corpus.readers.csv_files import _dialect

    for changes, expected in (({"delimiter": ":"}, (":", '"')), ({"quote": ""}, (",", "")), ({"delimiter": ",", "quote": "'"}, (",", "'"))):
        sign = changes.get("delimiter", ",")
        assert _dialect(f"text{sign}summary\n", Source(kind="csv", columns=COLUMNS, **changes)) == expected


def test_a_header_of_one_field_names_the_setting(tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "in.csv").write_text("text:summary\na:b\n")
    with pytest.raises(
        BadInput, match=r"header of in\.csv is one field: 'text:summary'; expected text, summary; fix: set data\.source\.delimiter"
    ):
        ingest("csv", tmp_path / "in.csv", columns=COLUMNS)


def test_a_column_that_stands_twice_is_refused_where_the_recipe_names_it(tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "in.csv").write_text("text,summary,text,x,x\n" + "a,b,c,d,e\n" * 10)
    with pytest.raises(BadInput, match=r"in\.csv has two columns 'text'"):
        ingest("csv", tmp_path / "in.csv", columns=COLUMNS)


@pytest.mark.parametrize("body", ["\n\n\n", "\ufeff", " "])
def test_a_file_without_header_is_refused(body: str, tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "in.csv").write_text(body)
    with pytest.raises(BadInput, match=r"in\.csv"):
        ingest("csv", tmp_path / "in.csv", columns=COLUMNS)


FIELD = st.text(st.sampled_from("ab ,;\"'\n\r\t"), max_size=8)


@given(
    st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from("\"'"),
    st.integers(1, 9),
)
def test_what_the_standard_library_writes_is_split_as_it_was_written(rows: list[list[str]], sign: str, quote: str, piece: int) -> None:
    from pipeline.corpus.readers import csv_records
    from pipeline.corpus.readers.csv_files import Dialect

    rows = [[field.replace("\r", "\n") for field in fields] for fields in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=sign, quotechar=quote).writerows(rows)
    stream, before = io.BytesIO(out.getvalue().encode()), csv_records.PIECE
    try:
        csv_records.PIECE = piece
        records = CsvRecords(stream, b"", sign, quote)
        records.columns = 2
        found = [Dialect(sign, quote).fields(record.data.decode()) for record in records if not record.problem]
    finally:
        csv_records.PIECE = before
    assert found == rows


@given(st.binary(max_size=200).map(lambda raw: bytes(b'ab,"\n\r\xe9'[byte % 7] for byte in raw)))
def test_any_bytes_are_split_without_a_loss(raw: bytes) -> None:
    records = list(CsvRecords(io.BytesIO(raw), b"", ",", '"'))
    assert [record.line for record in records] == sorted({record.line for record in records})
    if not any(record.problem for record in records):
        assert b"".join(record.data for record in records) == raw


def test_memory_for_a_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "MAX_LINE_BYTES", 1000)
    stream = io.BytesIO(b'a,"' + b"x,\n" * 5000 + b'"\nnext,row\n')
    records = list(CsvRecords(stream, b"", ",", '"'))
    assert [(record.line, record.problem, record.lines) for record in records] == [(1, "longer than 0 MB", 1), (5002, None, 1)]
    assert len(records[0].data) <= 200


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"delimiter": "§"}, "delimiter '§'"),
        ({"quote": "\n"}, "quote"),
        ({"delimiter": ";", "quote": ";"}, "both"),
        ({"encoding": "utf-9"}, "encoding 'utf-9'"),
        ({"encoding": "hex"}, "encoding 'hex'"),
        ({"encoding": "idna"}, "encoding 'idna'"),
        ({"encoding": "a\0b"}, "encoding"),
        ({"kind": "parquet", "encoding": "utf-8"}, "encoding with kind 'parquet'"),
        ({"kind": "jsonl", "delimiter": ";"}, "delimiter with kind 'jsonl'"),
    ],
)
def test_wrong_settings_are_found_before_anything_is_read(changes: dict[str, str], told: str) -> None:
    problem = source_problem(Source(**{"kind": "csv", "path": "x", **changes}))
    assert problem
    assert told in problem[0]


def test_good_settings_pass() -> None:
    for changes in ({}, {"delimiter": ":", "quote": ""}, {"encoding": "gb18030"}, {"encoding": "utf-16"}, {"kind": "toy", "quote": "x"}):
        assert source_problem(Source(**{"kind": "csv", "path": "x", **changes})) is None
