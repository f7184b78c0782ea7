"""The cache: shared by processes that open, close and drop at the same time, and clean after those that were killed."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts
from pipeline.artifacts.cache import ABANDONED_S, hash_file
from pipeline.artifacts.manifest import FileEntry


@pytest.fixture
def artifacts(folder_settings) -> Artifacts:
    return open_artifacts(folder_settings.model_copy(update={"cache_limit_mb": 1}))


def stored(artifacts: Artifacts, folder: Path, count: int, size: int) -> tuple[FileEntry, ...]:
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).write_bytes(os.urandom(size))
    return artifacts.put_files(folder)


def test_many_open_and_close_at_once_above_the_limit(artifacts: Artifacts, tmp_path: Path) -> None:
    files = stored(artifacts, tmp_path / "in", 40, 100_000)

    def use(number: int) -> bool:
        folder = tmp_path / f"out{number}"
        artifacts.get_files(files, folder)
        right = all(hash_file(folder / entry.path) == entry.sha256 for entry in files)
        shutil.rmtree(folder)
        return right

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(16))) == [True] * 16
    artifacts.cache.trim()
    assert sum(path.stat().st_size for path in artifacts.cache.folder.glob("??/*") if not path.suffix) <= 1 << 20


def test_a_folder_may_be_filled_again(artifacts: Artifacts, tmp_path: Path) -> None:
    files = stored(artifacts, tmp_path / "in", 1, 10)
    artifacts.get_files(files, tmp_path / "out")
    artifacts.get_files(files, tmp_path / "out")
    assert hash_file(tmp_path / "out" / "0") == files[0].sha256
    assert (tmp_path / "out" / "0").stat().st_mode & 0o222 == 0


def test_what_a_killed_download_left_is_swept(artifacts: Artifacts, tmp_path: Path) -> None:
    files = stored(artifacts, tmp_path / "in", 1, 10)
    left, under_way = (artifacts.cache.folder / "ab" / f"{name}.part" for name in ("old", "new"))
    left.parent.mkdir(parents=True)
    left.touch()
    under_way.touch()
    long_ago = under_way.stat().st_mtime - ABANDONED_S - 60
    os.utime(left, (long_ago, long_ago))
    artifacts.get_files(files, tmp_path / "out")
    assert not left.exists()
    assert under_way.exists()
