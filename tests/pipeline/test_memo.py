"""What is remembered of files counts only while they stand still."""

import os
from pathlib import Path

import pytest

from pipeline.memo import STILL_NS, FileMemo


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "a.txt"
    place.write_text("one")
    return place


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """It is long since anything was written."""
    now = file.stat().st_ctime_ns + STILL_NS + 1
    monkeypatch.setattr("pipeline.memo.time.time_ns", lambda: now)


def test_a_file_written_this_moment_is_read_again(file: Path) -> None:
    memo = FileMemo()
    assert memo.get(file, "text", Path.read_text) == "one"
    assert memo.get(file, "text", lambda _: "read again") == "read again"


@pytest.mark.usefixtures("later")
def test_a_file_that_stood_still_is_read_once_for_each_question(file: Path, tmp_path: Path) -> None:
    memo = FileMemo(tmp_path / "memo" / "facts.json")
    assert memo.get(file, "text", Path.read_text) == "one"
    assert memo.get(file, "text", lambda _: "read again") == "one"
    assert memo.get(file, "length", lambda path: len(path.read_text())) == 3
    memo.save()
    written = memo.place.stat().st_mtime_ns
    memo.save()
    assert memo.place.stat().st_mtime_ns == written, "nothing was learned meanwhile"
    assert [path.name for path in memo.place.parent.iterdir()] == [memo.place.name]
    again = FileMemo(memo.place)
    assert again.get(file, "text", lambda _: "read again") == "one"
    assert again.get(file, "length", lambda _: 0) == 3


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("touch", ["time", "bytes", "replaced"])
def test_a_file_that_was_touched_is_read_again(file: Path, touch: str) -> None:
    memo = FileMemo()
    memo.get(file, "text", Path.read_text)
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
    assert memo.get(file, "text", lambda _: "read again") == "read again"


@pytest.mark.parametrize("text", ["{cut", "[]", '{"a": 1}', '{"a": {"state": []}}'])
def test_a_memo_that_cannot_be_read_is_made_again(file: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "memo.json").write_text(text)
    memo = FileMemo(tmp_path / "memo.json")
    assert memo.get(file, "text", Path.read_text) == "one"


@pytest.mark.usefixtures("later")
def test_a_memo_that_cannot_be_written_costs_nothing_else(file: Path, tmp_path: Path) -> None:
    (tmp_path / "memo").write_text("a file where the folder should be")
    memo = FileMemo(tmp_path / "memo" / "facts.json")
    assert memo.get(file, "text", Path.read_text) == "one"
    memo.save()
    assert (tmp_path / "memo").is_file()
