"""What a search of files takes and what it leaves out: working files, links, odd names, other formats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BadInput
from pipeline.recipe import Source
from pipeline.runs.request import Request
from pipeline.sources.base import Pin
from pipeline.sources.files import pin
from pipeline.sources.left_out import is_working, sentence
from pipeline.sources.walk import matches

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings


def write(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text('{"text": "one"}\n')
    return place


def found(path: Path | str, settings: Settings, kind: str = "jsonl") -> tuple[list[str], dict[str, int]]:
    pinned = pin(Source(kind=kind, path=str(path)), settings)
    return sorted(item.name.rpartition("/")[2] for item in pinned.items), {row.reason: row.count for row in pinned.left_out}


WORKING = [
    ".ipynb_checkpoints/a-checkpoint.jsonl",
    "._a.jsonl",
    "__MACOSX/._a.jsonl",
    "_temporary/0/part-0.jsonl",
    "_delta_log/00.json",
    "_SUCCESS",
    ".git/deep/x.jsonl",
    "~$a.jsonl",
    "a.jsonl~",
    "#a.jsonl#",
    ".hidden.jsonl",
    "deep/_tmp.jsonl",
]


@pytest.mark.parametrize("name", WORKING)
def test_working_files_are_left_out_and_counted(name: str, tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "data" / "a.jsonl")
    write(tmp_path / "data" / name)
    assert found(tmp_path / "data", folder_settings) == (["a.jsonl"], {"working": 1})
    assert found(tmp_path / "data" / "**" / "*.jsonl", folder_settings) == (["a.jsonl"], {"working": 1})


def test_names_of_data_are_not_those_of_working_files() -> None:
    assert not any(map(is_working, ("a.jsonl", "a_b.jsonl", "part-0", "v1.0", "a~b.csv", "_locales")))


def test_a_path_or_a_glob_that_asks_for_working_files_gets_them(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "data" / "_part-0.jsonl")
    write(tmp_path / "data" / "_part-1.jsonl")
    assert found(tmp_path / "data" / "_part-0.jsonl", folder_settings) == (["_part-0.jsonl"], {})
    assert found(tmp_path / "data" / "_part-*", folder_settings) == (["_part-0.jsonl", "_part-1.jsonl"], {})


def test_files_of_other_formats_and_empty_ones_are_counted_with_the_first_name(tmp_path: Path, folder_settings: Settings) -> None:
    for name in ("a.jsonl", "b.JSONL.GZ", "c.ndjson.xz", "d.json.bz2", "notes.pdf", "table.csv", "deep/README.md"):
        write(tmp_path / "data" / name)
    (tmp_path / "data" / "e.jsonl").touch()
    pinned = pin(Source(kind="jsonl", path=str(tmp_path / "data")), folder_settings)
    assert len(pinned.items) == 4
    assert sentence(pinned.left_out, "data") == "data: not read: files of other formats: 3 (notes.pdf); empty files: 1 (e.jsonl)"


def test_a_folder_without_a_file_of_the_kind_says_what_it_has(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "data" / "table.csv")
    write(tmp_path / "data" / ".hidden.jsonl")
    with pytest.raises(
        BadInput, match=r"finds no jsonl file: not read: hidden.*: 1 \(\.hidden\.jsonl\); files of other formats: 1 \(table\.csv\); .*kind"
    ):
        pin(Source(kind="jsonl", path=str(tmp_path / "data")), folder_settings)


def test_linked_folders_are_followed_once_and_dangling_links_are_counted(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "elsewhere" / "b.jsonl")
    write(tmp_path / "data" / "real" / "a.jsonl")
    for name, target in {
        "first": tmp_path / "elsewhere",
        "again": tmp_path / "elsewhere",
        "cycle": tmp_path / "data",
        "real/up": tmp_path / "data" / "real",
        "dangling.jsonl": tmp_path / "nowhere.jsonl",
        "nowhere": tmp_path / "no-folder",
        "itself": tmp_path / "data" / "itself",
    }.items():
        (tmp_path / "data" / name).symlink_to(target)
    expected = (["a.jsonl", "b.jsonl"], {"broken_link": 3, "read_already": 3})
    assert found(tmp_path / "data", folder_settings) == expected
    assert found(tmp_path / "data" / "**" / "*.jsonl", folder_settings) == expected


def test_a_folder_that_is_linked_into_itself_keeps_its_own_paths(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "data" / "z" / "a.jsonl")
    (tmp_path / "data" / "a").symlink_to(tmp_path / "data" / "z")
    assert [item.name for item in pin(Source(kind="jsonl", path=str(tmp_path / "data")), folder_settings).items] == [
        str(tmp_path / "data" / "z" / "a.jsonl")
    ]


def test_a_glob_counts_dangling_links(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path / "*.jsonl", folder_settings) == (["a.jsonl"], {"broken_link": 1})


@pytest.mark.parametrize("raw", [b"caf\xe9.jsonl", b"\xff\xfe.jsonl", b"a%b \xe9.jsonl", "ä\n.jsonl".encode()])
def test_any_name_is_pinned_sent_and_opened(raw: bytes, tmp_path: Path, folder_settings: Settings) -> None:
    from pipeline.corpus.readers.open_item import open_item
    from pipeline.corpus.readers.read_progress import ReadProgress
    from pipeline.reporter import SilentReporter

    folder = tmp_path / "data"
    folder.mkdir()
    (folder / os.fsdecode(raw)).write_bytes(b"{}\n")
    pinned = pin(Source(kind="jsonl", path=str(folder)), folder_settings)
    request = Request(run="r", recipe="r", step="s", stage="ingestion", params={}, pin=pinned, fingerprint="f")
    sent = Request.model_validate_json(request.model_dump_json()).pin
    assert isinstance(sent, Pin)
    assert sent.digest == pinned.digest
    with open_item(sent.items[0], folder_settings, ReadProgress(SilentReporter(), sent)) as stream:
        assert stream.read() == b"{}\n"


def test_what_is_left_out_is_no_part_of_the_identity(tmp_path: Path, folder_settings: Settings) -> None:
    write(tmp_path / "data" / "a.jsonl")
    before = pin(Source(kind="jsonl", path=str(tmp_path / "data")), folder_settings)
    write(tmp_path / "data" / "_SUCCESS")
    after = pin(Source(kind="jsonl", path=str(tmp_path / "data")), folder_settings)
    assert after.left_out
    assert before.digest == after.digest


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.jsonl", "*.jsonl", True),
        ("x/a.jsonl", "*.jsonl", False),
        ("x/y/a.jsonl", "**/*.jsonl", True),
        ("a.jsonl", "**/*.jsonl", True),
        ("x/y/a.jsonl", "x/**", True),
        ("x/y/a.jsonl", "**/z/*", False),
        ("x/a1.jsonl", "?/a[0-9].*", True),
    ],
)
def test_globs_match_part_by_part(path: str, pattern: str, expected: bool) -> None:
    assert matches(tuple(path.split("/")), tuple(pattern.split("/"))) is expected
