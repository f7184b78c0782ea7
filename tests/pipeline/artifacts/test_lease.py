"""Leases and checkpoints: one attempt commits, a stale one cannot, the next goes on from the newest that is whole."""

import time
from pathlib import Path

import pytest
from fixtures.artifacts import write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts
from pipeline.artifacts.base import Stored
from pipeline.artifacts.checkpoints import Checkpoint, StoredCheckpoints
from pipeline.artifacts.lease import Lease
from pipeline.artifacts.manifest import blob_key
from pipeline.errors import Preempted


class Box:
    """An outbox that remembers what it sent."""

    def __init__(self) -> None:
        self.waiting: list[dict] = []
        self.sent: list[dict] = []

    def send(self, run: object) -> None:
        self.sent += self.waiting
        self.waiting = []


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


def lease(artifacts: Artifacts, ttl_s: float = 0.6) -> Lease:
    return Lease(artifacts.store, "f" * 64, ttl_s=ttl_s)


def checkpoints(artifacts: Artifacts, held: Lease, folder: Path, box: Box | None = None) -> StoredCheckpoints:
    return StoredCheckpoints(artifacts, "pretraining", "f" * 64, held, folder, box or Box(), None)


def state(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / f"state-{text}"
    folder.mkdir(exist_ok=True)
    (folder / "weights").write_text(text)
    return folder


def test_one_holds_it_and_the_other_waits_until_it_lets_go(artifacts: Artifacts) -> None:
    first, second = lease(artifacts), lease(artifacts)
    assert first.acquire(0)
    assert not second.acquire(1.5)  # longer than the time to live: the renewals are seen
    first.release()
    assert second.acquire(5)
    assert second.epoch == 2
    second.release()


def test_a_holder_that_shows_no_life_is_followed(artifacts: Artifacts) -> None:
    dead, heir = lease(artifacts), lease(artifacts)
    assert dead.acquire(0)
    dead._done.set()  # its thread no longer renews, as if the process had been stopped
    assert heir.acquire(10)
    with pytest.raises(Preempted):
        dead.renew()
    assert dead.lost
    dead.release()
    heir.renew()
    heir.release()


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_an_outage_is_no_sign_of_death(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, waiter = lease(artifacts, 600), lease(artifacts, 15)
    assert holder.acquire(0)
    clock = Clock()
    monkeypatch.setattr("pipeline.artifacts.lease.time", clock)
    assert not waiter.acquire(0)
    for _ in range(20):
        # the store is unreachable for ten minutes; then the waiter is the first to reach it
        clock.now += 600
        assert not waiter.acquire(0)
    holder.renew()
    assert not waiter.acquire(0)
    assert not waiter.acquire(14)
    assert waiter.acquire(20)
    with pytest.raises(Preempted):
        holder.renew()
    waiter.release()
    holder.release()


def test_a_check_is_free_while_the_lease_is_fresh_and_fails_once_it_may_be_lost(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lease(artifacts, 600)
    clock = Clock()
    monkeypatch.setattr("pipeline.artifacts.lease.time", clock)
    assert held.acquire(0)
    before = artifacts.store.get(held.key).etag
    clock.now += 299
    held.check()
    assert artifacts.store.get(held.key).etag == before
    clock.now += 2
    held.check()
    assert artifacts.store.get(held.key).etag != before
    clock.now += 601
    with pytest.raises(Preempted):
        held.check()
    held.release()


def test_who_only_waits_writes_nothing(artifacts: Artifacts) -> None:
    held, other = lease(artifacts, 600), lease(artifacts, 600)
    assert other.holder() is None
    assert held.acquire(0)
    before = artifacts.store.get(held.key)
    assert other.holder() == before.etag
    assert not other.wait_until_free(0.5)
    assert artifacts.store.get(held.key) == before
    held.release()
    assert other.wait_until_free(0)


def test_a_stale_holder_commits_no_checkpoint(artifacts: Artifacts, tmp_path: Path) -> None:
    stale, heir = lease(artifacts), lease(artifacts)
    assert stale.acquire(0)
    stale._done.set()
    assert heir.acquire(10)
    with pytest.raises(Preempted):
        checkpoints(artifacts, stale, tmp_path / "a").save(5, state(tmp_path, "stale"))
    assert checkpoints(artifacts, heir, tmp_path / "b").newest() is None
    heir.release()


def test_the_newest_whole_checkpoint_is_taken_with_its_metrics(artifacts: Artifacts, tmp_path: Path) -> None:
    held, box = lease(artifacts, 5), Box()
    assert held.acquire(0)
    kept = checkpoints(artifacts, held, tmp_path / "a", box)
    for step in (1, 2, 3):
        box.waiting = [{"key": "loss", "step": step}]
        kept.save(step, state(tmp_path, f"step {step}"))
    assert [point["step"] for point in box.sent] == [1, 2, 3]
    assert len(list(artifacts.store.list("training/"))) == 2
    later = Box()
    assert (checkpoints(artifacts, held, tmp_path / "b", later).newest() / "weights").read_text() == "step 3"
    assert later.sent == [{"key": "loss", "step": 3}]
    held.release()


@pytest.mark.parametrize("harm", ["flip", "delete", "record"])
def test_a_damaged_checkpoint_is_passed_over_and_can_be_made_again(artifacts: Artifacts, tmp_path: Path, harm: str) -> None:
    held = lease(artifacts, 5)
    assert held.acquire(0)
    kept = checkpoints(artifacts, held, tmp_path / "a")
    kept.save(1, state(tmp_path, "one"))
    kept.save(2, state(tmp_path, "two"))
    key = [stat.key for stat in artifacts.store.list("training/")][-1]
    blob = blob_key(Checkpoint.model_validate_json(artifacts.store.get(key).data).files[0].sha256)
    if harm == "record":
        artifacts.store.put(key, b"{")
    elif harm == "flip":
        artifacts.store.put(blob, b"twx")
    else:
        artifacts.store.delete(blob)
    assert (checkpoints(artifacts, held, tmp_path / "b").newest() / "weights").read_text() == "one"
    kept.save(2, state(tmp_path, "two"))
    assert (checkpoints(artifacts, held, tmp_path / "c").newest() / "weights").read_text() == "two"
    kept.clear()
    assert kept.newest() is None
    held.release()


def damage_an_answer(artifacts: Artifacts, prefix: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Damage the next answer about a key with this prefix; the key, once that has happened."""
    get, damaged = artifacts.store.get, []

    def get_damaged(key: str) -> Stored:
        found = get(key)
        if damaged or not key.startswith(prefix):
            return found
        damaged.append(key)
        return Stored(b"z" + found.data[1:], found.etag)

    monkeypatch.setattr(artifacts.store, "get", get_damaged)
    return damaged


def test_a_lease_that_is_damaged_on_its_way_is_not_taken_over(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lease(artifacts, 5)
    assert held.acquire(0)
    damaged = damage_an_answer(artifacts, "leases/", monkeypatch)
    assert not lease(artifacts, 5).acquire(0)
    assert damaged
    monkeypatch.undo()
    damaged = damage_an_answer(artifacts, "leases/", monkeypatch)
    assert lease(artifacts, 5).holder()
    assert damaged
    held.renew()
    held.release()


def test_a_record_that_is_damaged_on_its_way_is_read_again(artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lease(artifacts, 5)
    assert held.acquire(0)
    kept = checkpoints(artifacts, held, tmp_path / "a")
    kept.save(1, state(tmp_path, "one"))
    kept.save(2, state(tmp_path, "two"))
    damaged = damage_an_answer(artifacts, "training/", monkeypatch)
    assert (checkpoints(artifacts, held, tmp_path / "b").newest() / "weights").read_text() == "two"
    assert damaged
    assert list(artifacts.store.list("quarantine/")) == []
    held.release()


def test_a_checkpoint_with_two_damaged_files_is_whole_when_made_again(artifacts: Artifacts, tmp_path: Path) -> None:
    held = lease(artifacts, 5)
    assert held.acquire(0)
    kept = checkpoints(artifacts, held, tmp_path / "a")
    folder = state(tmp_path, "one")
    (folder / "optimizer").write_text("momenta")
    kept.save(1, folder)
    for stat in list(artifacts.store.list("blobs/")):
        artifacts.store.put(stat.key, b"?" * stat.size)
    assert checkpoints(artifacts, held, tmp_path / "b").newest() is None
    kept.save(1, folder)
    assert (checkpoints(artifacts, held, tmp_path / "c").newest() / "optimizer").read_text() == "momenta"
    held.release()


def test_a_released_lease_is_taken_at_once(artifacts: Artifacts) -> None:
    first, second = lease(artifacts, 30), lease(artifacts, 30)
    assert first.acquire(0)
    first.release()
    before = time.monotonic()
    assert second.acquire(20)
    assert time.monotonic() - before < 20
    second.release()


def test_a_run_reads_no_state_from_after_its_last_step(artifacts: Artifacts, tmp_path: Path) -> None:
    held = lease(artifacts)
    assert held.acquire(0)
    kept = checkpoints(artifacts, held, tmp_path / "a")
    for step in (2, 4):
        kept.save(step, write_files(tmp_path / str(step), {"weights": f"step {step}"}))
    for last, text in ((None, "step 4"), (4, "step 4"), (3, "step 2"), (2, "step 2")):
        reader = checkpoints(artifacts, held, tmp_path / f"b{last}")
        reader.last_step = last
        assert (reader.newest() / "weights").read_text() == text
    reader.last_step = 1
    assert reader.newest() is None
    held.release()
