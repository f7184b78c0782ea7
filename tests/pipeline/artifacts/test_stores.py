"""Both stores do what the protocol says."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict, NotFound
from pipeline.errors import BadInput, Unavailable


@pytest.fixture
def store(any_settings):
    return open_store(any_settings)


def test_what_was_put_is_read_back(store) -> None:
    etag = store.put("a/b.json", b"one")
    assert store.get("a/b.json") == (b"one", etag)
    assert store.head("a/b.json").size == 3
    store.put("a/b.json", b"two")
    assert b"".join(store.chunks("a/b.json", 2)) == b"two"
    store.delete("a/b.json")
    store.delete("a/b.json")
    assert store.head("a/b.json") is None
    with pytest.raises(NotFound):
        store.get("a/b.json")
    with pytest.raises(NotFound):
        list(store.chunks("a/b.json"))


def test_keys_are_listed_in_order_below_a_prefix(store) -> None:
    for key in ("x/2", "x/1", "x/10", "y/1", "xx/1"):
        store.put(key, b"")
    assert [stat.key for stat in store.list("x/")] == ["x/1", "x/10", "x/2"]
    assert [stat.key for stat in store.list("x/1")] == ["x/1", "x/10"]
    assert list(store.list("nothing/")) == []


def test_put_if_absent_and_put_if_unchanged(store) -> None:
    etag = store.put("k", b"one", if_absent=True)
    with pytest.raises(Conflict):
        store.put("k", b"two", if_absent=True)
    newer = store.put("k", b"two", if_match=etag)
    with pytest.raises(Conflict):
        store.put("k", b"three", if_match=etag)
    assert store.get("k") == (b"two", newer)
    with pytest.raises(Conflict):
        store.put("nothing", b"", if_match=etag)


def test_of_sixteen_racing_writers_one_wins(store) -> None:
    def race(number: int) -> bool:
        try:
            store.put("race", f"writer {number}".encode(), if_absent=True)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(race, range(16))) == 1


@pytest.mark.parametrize("size", [10, (16 << 20) + 5])
def test_a_file_is_sent_once(store, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    assert store.upload(path, "blobs/x") is True
    assert store.upload(path, "blobs/x") is False
    assert sum(len(piece) for piece in store.chunks("blobs/x")) == size


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"s3_secret_key": SecretStr("wrong-and-secret")}, "permission denied"),
        ({"s3_access_key": SecretStr("nobody")}, "permission denied"),
        ({"store": "s3://nowhere/x"}, "no bucket 'nowhere'"),
    ],
)
def test_a_wrong_setting_is_one_line_without_the_secret(s3_server, tmp_path: Path, changes: dict, words: str) -> None:
    store = open_store(s3_server.settings(tmp_path, **changes))
    for call in (lambda: store.put("k", b""), lambda: store.get("k")):
        with pytest.raises(BadInput) as caught:
            call()
        assert words in str(caught.value)
        assert "wrong-and-secret" not in str(caught.value)


def test_a_store_that_is_away_is_given_up_after_the_patience(s3_server, tmp_path: Path) -> None:
    store = open_store(s3_server.settings(tmp_path, s3_endpoint="http://127.0.0.1:9", s3_retry_s=0.5))
    with pytest.raises(Unavailable, match="does not answer"):
        store.get("k")


def test_an_unknown_scheme_is_answered(folder_settings) -> None:
    with pytest.raises(BadInput, match="unknown store 'gs'"):
        open_store(folder_settings.model_copy(update={"store": "gs://x"}))
