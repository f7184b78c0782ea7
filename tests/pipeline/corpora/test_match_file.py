"""The file of documents to forget: what its lines mean, and what is refused."""

from __future__ import annotations

import json

import pytest

from pipeline.corpora.match_file import read_match_file
from pipeline.erasure.keys import input_key, text_key
from pipeline.errors import BadInput

ID = "0123456789abcdef01234567"


def test_a_plain_file_has_a_text_or_an_id_in_each_line(tmp_path) -> None:
    place = tmp_path / "asked.txt"
    place.write_bytes(f"\ufeff{ID}\r\n\nA text of somebody.\n".encode())
    meant = read_match_file(place)
    assert meant.ids == {ID: "asked.txt line 1"}
    assert meant.texts == {text_key("A text of somebody."): "asked.txt line 3"}


def test_json_lines_have_texts_ids_and_pairs(tmp_path) -> None:
    place = tmp_path / "asked.jsonl"
    rows = ["one\ntext", {"text": "two"}, {"id": ID, "text": "ignored"}, {"text": "premise", "pair": "hypothesis"}]
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    meant = read_match_file(place)
    assert list(meant.ids) == [ID]
    assert set(meant.texts) == {text_key("one text"), text_key("two"), input_key("premise", "hypothesis")}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"\n \n", "is empty"),
        ("a.txt", b"\xff\xfe\x00", "is not UTF-8"),
        ("a.txt", b"...\n", "a.txt line 1: a text without letters and digits"),
        ("a.jsonl", b'"x"\n{"id": 3}\n', 'a.jsonl line 2 is {"id": 3}'),
        ("a.jsonl", b'{"id": "12"}\n', "a.jsonl line 1: '12' is no id of a document"),
        ("a.jsonl", b"{not json}\n", "a.jsonl line 1 is not JSON"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl line 1 is not JSON"),
        ("missing.txt", None, "no such file"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, name, data, said) -> None:
    place = tmp_path / name
    if data is not None:
        place.write_bytes(data)
    with pytest.raises(BadInput) as refused:
        read_match_file(place)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
