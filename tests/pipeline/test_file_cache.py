"""Cached facts about a file are valid only while the file does not change."""

import os
from pathlib import Path

import pytest

from pipeline.file_cache import STILL_NS, FileCache


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "a.txt"
    place.write_text("one")
    return place


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """It is long since anything was written."""
    now = file.stat().st_ctime_ns + STILL_NS + 1
    monkeypatch.setattr("pipeline.file_cache.time.time_ns", lambda: now)


def test_a_file_written_this_moment_is_read_again(file: Path) -> None:
    file_cache = FileCache()
    assert file_cache.get(file, "text", Path.read_text) == "one"
    assert file_cache.get(file, "text", lambda _: "read again") == "read again"


@pytest.mark.usefixtures("later")
def test_a_file_that_stood_still_is_read_once_for_each_question(file: Path, tmp_path: Path) -> None:
    file_cache = FileCache(tmp_path / "file_cache" / "facts.json")
    assert file_cache.get(file, "text", Path.read_text) == "one"
    assert file_cache.get(file, "text", lambda _: "read again") == "one"
    assert file_cache.get(file, "length", lambda path: len(path.read_text())) == 3
    file_cache.save()
    written = file_cache.place.stat().st_mtime_ns
    file_cache.save()
    assert file_cache.place.stat().st_mtime_ns == written, "nothing was learned meanwhile"
    assert [path.name for path in file_cache.place.parent.iterdir()] == [file_cache.place.name]
    again = FileCache(file_cache.place)
    assert again.get(file, "text", lambda _: "read again") == "one"
    assert again.get(file, "length", lambda _: 0) == 3


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("touch", ["time", "bytes", "replaced"])
def test_a_file_that_was_touched_is_read_again(file: Path, touch: str) -> None:
    file_cache = FileCache()
    file_cache.get(file, "text", Path.read_text)
    stat = file.stat()
    if touch == "time":
        os.utime(file, ns=(stat.st_mtime_ns, stat.st_mtime_ns + 1))
    elif touch == "bytes":
        file.write_text("two!")
    else:
        fresh = file.with_suffix(".new")
        fresh.write_text("two")
        os.utime(fresh, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        fresh.replace(file)
    assert file_cache.get(file, "text", lambda _: "read again") == "read again"


@pytest.mark.parametrize("text", ["{cut", "[]", '{"a": 1}', '{"a": {"state": []}}'])
def test_a_cache_that_cannot_be_read_is_made_again(file: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "file_cache.json").write_text(text)
    file_cache = FileCache(tmp_path / "file_cache.json")
    assert file_cache.get(file, "text", Path.read_text) == "one"


@pytest.mark.usefixtures("later")
def test_a_cache_that_cannot_be_written_costs_nothing_else(file: Path, tmp_path: Path) -> None:
    (tmp_path / "file_cache").write_text("a file where the folder should be")
    file_cache = FileCache(tmp_path / "file_cache" / "facts.json")
    assert file_cache.get(file, "text", Path.read_text) == "one"
    file_cache.save()
    assert (tmp_path / "file_cache").is_file()
