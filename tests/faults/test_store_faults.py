"""A store that stutters, or whose own disk goes bad: lost answers, outages, wrong bytes. Nothing is lost, nothing wrong is believed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.proxy import Proxy

from pipeline.artifacts import open_artifacts, open_store
from pipeline.artifacts.artifacts import DamagedFile
from pipeline.artifacts.base import Conflict
from pipeline.artifacts.lease import Lease
from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings


@pytest.fixture
def proxy(s3_server) -> Iterator[Proxy]:
    made = Proxy(s3_server.endpoint)
    yield made
    made.close()


@pytest.fixture
def through(s3_server, tmp_path: Path, proxy: Proxy) -> Settings:
    return s3_server.settings(tmp_path, s3_endpoint=proxy.url)


def test_a_put_whose_answer_was_lost_is_no_conflict(through: Settings, proxy: Proxy) -> None:
    store = open_store(through)
    proxy.faults.append("lose the answer")
    etag = store.put("k", b"mine", if_absent=True)
    assert proxy.seen[:2] == ["PUT lose the answer", "PUT"]
    proxy.faults.append("lose the answer")
    newer = store.put("k", b"newer", if_match=etag)
    assert store.get("k") == (b"newer", newer)


def test_a_put_that_another_won_meanwhile_is_a_conflict(through: Settings, proxy: Proxy, s3_server, tmp_path: Path) -> None:
    direct = open_store(s3_server.settings(tmp_path, through.store.rpartition("/")[2]))
    direct.put("k", b"theirs", if_absent=True)
    proxy.faults.append("lose the answer")
    with pytest.raises(Conflict):
        open_store(through).put("k", b"mine", if_absent=True)
    assert direct.get("k").data == b"theirs"


@pytest.mark.parametrize("fault", ["503", "refuse"])
def test_an_outage_within_the_patience_is_survived(through: Settings, proxy: Proxy, fault: str) -> None:
    store = open_store(through)
    proxy.faults.extend([fault] * 4)
    store.put("k", b"v")
    proxy.faults.extend([fault] * 4)
    assert store.get("k").data == b"v"
    assert sum(fault in line for line in proxy.seen) == 8


def test_an_outage_beyond_the_patience_is_told_in_one_line(through: Settings, proxy: Proxy) -> None:
    store = open_store(through.model_copy(update={"s3_retry_s": 1.0}))
    proxy.faults.extend(["503"] * 1000)
    with pytest.raises(Unavailable, match="does not answer: HTTP 503"):
        store.put("k", b"v")


def test_a_download_that_breaks_goes_on_where_it_stopped(through: Settings, proxy: Proxy) -> None:
    store = open_store(through)
    data = bytes(range(256)) * 4096
    store.put("k", data)
    proxy.faults.append("cut the answer")
    assert b"".join(store.chunks("k", 1 << 16)) == data
    assert proxy.seen[-2:] == ["GET cut the answer", "GET"]


def test_a_byte_flipped_on_the_way_is_not_believed(through: Settings, proxy: Proxy, tmp_path: Path) -> None:
    artifacts = open_artifacts(through)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_bytes(b"x" * 1000)
    files = artifacts.put_files(folder)
    # once is a broken wire, twice is what is stored
    proxy.faults.append("flip a byte")
    artifacts.get_files(files, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"x" * 1000
    artifacts.cache.folder.rename(tmp_path / "old-cache")
    proxy.faults.extend(["flip a byte"] * 2)
    with pytest.raises(DamagedFile):
        artifacts.get_files(files, tmp_path / "again")


def test_a_renewal_that_went_through_unheard_does_not_cost_the_lease(through: Settings, proxy: Proxy) -> None:
    held = Lease(open_store(through.model_copy(update={"s3_retry_s": 0.0})), "f" * 64, ttl_s=600)
    assert held.acquire(0)
    proxy.faults.append("lose the answer")
    with pytest.raises(Unavailable):
        held.renew()
    held.renew()
    assert not held.lost
    held.release()


def flip_on_disk(folder: Path, mark: bytes) -> None:
    """Flip one bit of what the server's own files hold at ``mark``."""
    for path in sorted(folder.rglob("*.dat")):
        place = path.read_bytes().find(mark)
        if place >= 0:
            with path.open("r+b") as file:
                file.seek(place)
                file.write(bytes([mark[0] ^ 1]))
            return
    raise AssertionError("the server keeps these bytes elsewhere")


# the server answers 500 for the small one, and ends the body of the large one, which it keeps in pieces of 8 MB, early
@pytest.mark.prove
@pytest.mark.timeout(300)  # the server tries for 13 s by itself at each of several readings
@pytest.mark.parametrize("size", [3_000, 10 << 20])
def test_damage_beneath_s3_is_found_and_healed(s3_server, tmp_path: Path, size: int) -> None:
    artifacts = open_artifacts(s3_server.settings(tmp_path, s3_retry_s=1.0))
    folder = tmp_path / "in"
    folder.mkdir()
    mark = os.urandom(32)
    (folder / "a").write_bytes(os.urandom(size) + mark)
    files = artifacts.put_files(folder)
    flip_on_disk(s3_server.folder, mark)
    with pytest.raises(DamagedFile, match="cannot read it"):
        artifacts.get_files(files, tmp_path / "out")
    assert artifacts.quarantine(files[0])
    assert artifacts.find_damage(artifacts.put_files(folder)) == artifacts.missing_files(files) == []
    assert list(artifacts.store.list("probe/")) == []


def test_a_store_that_is_away_is_not_taken_for_damage(through: Settings, proxy: Proxy, tmp_path: Path) -> None:
    artifacts = open_artifacts(through)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    files = artifacts.put_files(folder)
    impatient = open_artifacts(through.model_copy(update={"s3_retry_s": 1.0}))
    proxy.faults.extend(["503"] * 1000)
    with pytest.raises(Unavailable, match="does not answer"):
        impatient.get_files(files, tmp_path / "out")
    proxy.faults.clear()
    assert artifacts.find_damage(files) == []


def test_a_refused_multipart_upload_is_told_like_any_other(through: Settings, s3_server, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * ((16 << 20) + 1))
    with pytest.raises(BadInput, match="no bucket 'nowhere'"):
        open_store(s3_server.settings(tmp_path, store="s3://nowhere/x")).upload(path, "blobs/x")
    with pytest.raises(BadInput, match="TRAINSHED_STORE"):
        open_store(s3_server.settings(tmp_path, store="s3://not a bucket/x")).head("blobs/x")
