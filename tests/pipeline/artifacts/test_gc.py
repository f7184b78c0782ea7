"""Garbage collection: marks first, removes later, and never what a root leads to or a commit reuses."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts
from pipeline.artifacts.gc import LEASE_NAME, Ages, collect, find_garbage, wait_for_collection
from pipeline.artifacts.lease import Lease
from pipeline.artifacts.manifest import Manifest, Reference, blob_key, pointer_key, to_sealed
from pipeline.errors import BadInput, Damaged, Preempted

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=40)
AFTER_GRACE = LATER + timedelta(days=2)


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


def commit(
    artifacts: Artifacts, folder: Path, files: dict[str, str], name: str = "x", inputs: dict[str, Reference] | None = None
) -> Manifest:
    return artifacts.commit(draft(name, inputs=inputs), write_files(folder, files))


def decide(artifacts: Artifacts, number: int, reference: Reference, decision: str = "promoted") -> None:
    entry = {"decision": decision, "challenger": {"model": reference.model_dump(mode="json")}}
    artifacts.store.put(f"ledger/m/{number:06d}.json", to_sealed(entry))


def collect_twice(artifacts: Artifacts) -> list[str]:
    """Mark, and remove after the grace; the keys that were removed."""
    assert collect(artifacts, Ages(), LATER).removed == []
    return [stat.key for stat in collect(artifacts, Ages(), AFTER_GRACE).removed]


def test_garbage_is_what_no_root_leads_to(artifacts: Artifacts, tmp_path: Path) -> None:
    source = commit(artifacts, tmp_path / "source", {"a": "source"}, "source")
    kept = commit(artifacts, tmp_path / "kept", {"a": "kept"}, "kept", {"from": source.reference})
    gone = commit(artifacts, tmp_path / "gone", {"a": "gone"}, "gone")
    decide(artifacts, 1, kept.reference)
    assert find_garbage(artifacts, Ages()).keys == []
    wanted = [pointer_key("ingestion", gone.fingerprint), gone.key, blob_key(gone.files[0].sha256)]
    assert find_garbage(artifacts, Ages(), LATER).keys == wanted
    assert collect_twice(artifacts) == wanted
    assert artifacts.verify(kept) == artifacts.verify(source) == []
    assert artifacts.find("ingestion", gone.fingerprint) is None


def test_a_dry_run_writes_nothing(artifacts: Artifacts, any_settings, tmp_path: Path) -> None:
    commit(artifacts, tmp_path / "in", {"a": "1"})
    before = {stat.key: stat.etag for stat in artifacts.store.list("")}
    assert find_garbage(open_artifacts(any_settings, read_only=True), Ages(), LATER).keys
    assert {stat.key: stat.etag for stat in artifacts.store.list("")} == before


def test_nothing_is_removed_before_its_grace_is_over(artifacts: Artifacts, tmp_path: Path) -> None:
    commit(artifacts, tmp_path / "in", {"a": "1"})
    assert len(collect(artifacts, Ages(), LATER).marked) == 3
    assert collect(artifacts, Ages(), LATER + timedelta(hours=23)).removed == []
    assert len(collect(artifacts, Ages(), AFTER_GRACE).removed) == 3


def test_a_champion_survives_a_forced_rebuild_with_other_bits(artifacts: Artifacts, tmp_path: Path) -> None:
    champion = commit(artifacts, tmp_path / "first", {"weights": "1"})
    decide(artifacts, 1, champion.reference)
    forced = commit(artifacts, tmp_path / "second", {"weights": "2"})
    assert forced.fingerprint == champion.fingerprint
    assert forced.key in collect_twice(artifacts)
    assert artifacts.resolve(champion.reference) == champion
    assert artifacts.verify(champion) == []


@pytest.mark.parametrize(("decision", "kept"), [("promoted", True), ("rolled_back", True), ("refused", False)])
def test_champions_and_what_can_be_rolled_back_to_are_kept_and_old_refusals_are_not(
    artifacts: Artifacts, tmp_path: Path, decision: str, kept: bool
) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    decide(artifacts, 1, manifest.reference, decision)
    assert find_garbage(artifacts, Ages(), NOW + timedelta(days=20)).keys == []
    assert (find_garbage(artifacts, Ages(), LATER).keys == []) is kept


@pytest.mark.parametrize(("key", "error"), [("ledger/m/000001.json", Damaged), ("runs/r/plan.json", BadInput)])
def test_a_root_that_cannot_be_read_stops_the_collection(artifacts: Artifacts, tmp_path: Path, key: str, error: type[Exception]) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    artifacts.store.put(key, manifest.reference.model_dump_json().encode()[:-3])
    with pytest.raises(error, match=key):
        collect(artifacts, Ages(runs=timedelta(days=400)), LATER)


def test_a_ledger_entry_with_a_flipped_byte_stops_the_collection(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    decide(artifacts, 1, manifest.reference)
    key = "ledger/m/000001.json"
    data = artifacts.store.get(key).data
    # a refusal relies on nothing after a month
    artifacts.store.put(key, data.replace(b"promoted", b"refused"))
    with pytest.raises(Damaged, match=f"{key} is damaged: its seal does not match"):
        collect(artifacts, Ages(), LATER)


def test_a_champion_whose_manifest_cannot_be_read_stops_the_collection(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    decide(artifacts, 1, manifest.reference)
    artifacts.store.put(manifest.key, b"{")
    with pytest.raises(BadInput, match=r"ledger/m/000001\.json relies on, is unreadable"):
        collect(artifacts, Ages(), LATER)


def test_an_unreadable_manifest_that_nothing_relies_on_is_garbage(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    artifacts.store.put(manifest.key, b"{")
    assert find_garbage(artifacts, Ages()).keys == []
    assert {manifest.key, blob_key(manifest.files[0].sha256)} <= set(find_garbage(artifacts, Ages(), LATER).keys)


def test_what_is_relied_on_since_it_was_marked_is_kept(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    assert len(collect(artifacts, Ages(), LATER).marked) == 3
    decide(artifacts, 1, manifest.reference)
    assert collect(artifacts, Ages(), AFTER_GRACE).removed == []
    assert artifacts.verify(manifest) == []


def interrupt(artifacts: Artifacts, action) -> None:
    """Run ``action`` once, just before the store deletes its first object."""
    delete, waiting = artifacts.store.delete, [action]

    def interrupted(key: str, *, if_match: str | None = None) -> None:
        if waiting:
            waiting.pop()()
        delete(key, if_match=if_match)

    artifacts.store.delete = interrupted


@pytest.mark.parametrize("name", ["old", "new"])
@pytest.mark.parametrize("size", [1, (16 << 20) + 1])
def test_a_commit_that_reuses_what_a_paused_collection_is_about_to_delete_loses_nothing(
    artifacts: Artifacts, any_settings, tmp_path: Path, size: int, name: str
) -> None:
    """The collection has decided and waits before its first delete; only then the commit begins, and ends."""
    files = {"a": "1" * size, "b": "2"}
    commit(artifacts, tmp_path / "old", files, "old")
    collect(artifacts, Ages(), LATER)
    other = open_artifacts(any_settings)
    # in this test all objects are as old as NOW, which the collection takes for 42 days ago
    other.refresh_after = other.manifest_store.refresh_after = timedelta(0)
    made: list[Manifest] = []
    again = write_files(tmp_path / "again", files)
    interrupt(artifacts, lambda: made.append(other.commit(draft(name, run="again"), again)))
    collect(artifacts, Ages(), AFTER_GRACE)
    (manifest,) = made
    assert other.find("ingestion", manifest.fingerprint) == manifest
    assert other.missing(manifest) == other.verify(manifest) == []


def test_an_object_that_is_written_again_gets_another_etag_each_time(artifacts: Artifacts, tmp_path: Path) -> None:
    store = artifacts.store
    for size in (1, (16 << 20) + 1, (32 << 20) + 1):
        path = tmp_path / str(size)
        path.write_bytes(b"x" * size)
        store.upload(path, f"blobs/{size}")
        etags = [store.head(f"blobs/{size}").etag]
        for _ in range(3):
            assert store.upload(path, f"blobs/{size}", replaces=store.head(f"blobs/{size}"))
            etags.append(store.head(f"blobs/{size}").etag)
        assert all(one != next_one for one, next_one in itertools.pairwise(etags))
        assert sum(len(piece) for piece in store.chunks(f"blobs/{size}")) == size


def test_a_collection_that_was_killed_leaves_marks_that_do_not_shorten_a_later_grace(artifacts: Artifacts, tmp_path: Path) -> None:
    first = commit(artifacts, tmp_path / "in", {"a": "1"})
    collect(artifacts, Ages(), LATER)
    key = blob_key(first.files[0].sha256)
    marked = artifacts.store.get("gc/marks.json").data
    for stat in list(artifacts.store.list("blobs/")) + list(artifacts.store.list("manifests/")):
        artifacts.store.delete(stat.key)
    commit(artifacts, tmp_path / "in", {"a": "1"})
    # on S3 the same bytes have the same etag as the object that was removed
    artifacts.store.put("gc/marks.json", marked.replace(b"2026", b"2020").replace(str(LATER.year).encode(), b"2020"))
    assert key not in [stat.key for stat in collect(artifacts, Ages(), LATER).removed]
    assert artifacts.store.head(key)


def test_checkpoints_are_kept_as_long_as_their_lease_is_renewed(artifacts: Artifacts) -> None:
    artifacts.store.put("training/ab/checkpoints/000000001.json", b"{}")
    assert find_garbage(artifacts, Ages(), NOW + timedelta(days=8)).keys == ["training/ab/checkpoints/000000001.json"]
    real = artifacts.store.list

    def renewed(prefix: str):
        week = timedelta(days=7)
        return (stat._replace(modified=stat.modified + week) if stat.key.startswith("leases/") else stat for stat in real(prefix))

    artifacts.store.put("leases/ab.json", b"{}")
    artifacts.store.list = renewed
    assert find_garbage(artifacts, Ages(), NOW + timedelta(days=8)).keys == []


def test_who_begins_to_rely_on_something_waits_for_the_end_of_a_collection(artifacts: Artifacts) -> None:
    assert not wait_for_collection(artifacts.store)
    lease = Lease(artifacts.store, LEASE_NAME, ttl_s=60)
    assert lease.acquire(0)
    assert wait_for_collection(artifacts.store, lease.release)
    assert not wait_for_collection(artifacts.store)


def test_a_collection_whose_lease_ran_out_deletes_nothing_more(artifacts: Artifacts, tmp_path: Path) -> None:
    commit(artifacts, tmp_path / "in", {"a": "1"})
    collect(artifacts, Ages(), LATER)
    heir = Lease(artifacts.store, LEASE_NAME, ttl_s=60)

    def take_over() -> None:
        record = json.loads(artifacts.store.get(heir.key).data)
        artifacts.store.put(heir.key, json.dumps({**record, "epoch": record["epoch"] + 1, "owner": "heir"}).encode())
        collecting[0]._renewed -= 60

    collecting: list[Lease] = []
    acquire = Lease.acquire

    def noted(self: Lease, wait_s: float) -> bool:
        collecting.append(self)
        return acquire(self, wait_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lease, "acquire", noted)
        interrupt(artifacts, take_over)
        with pytest.raises(Preempted):
            collect(artifacts, Ages(), AFTER_GRACE)
    assert len(list(artifacts.store.list("manifests/"))) == 1
    assert len(list(artifacts.store.list("blobs/"))) == 1


def test_served_texts_and_looks_go_by_age_and_a_profile_with_its_corpus(artifacts: Artifacts, tmp_path: Path) -> None:
    kept, gone = (commit(artifacts, tmp_path / name, {"a": name}, name) for name in ("kept", "gone"))
    decide(artifacts, 1, kept.reference)
    served = "served/m/2026-01-01/a.jsonl"
    looks = [f"monitoring/{model}/2026010{day}T000000.000000Z.json" for model, day in (("m", 1), ("m", 2), ("other", 1))]
    profiles = [f"profiles/{manifest.digest}-1.parquet" for manifest in (kept, gone)]
    for key in (served, *looks, *profiles):
        artifacts.store.put(key, b"{}")
    watched = ("served/", "monitoring/", "profiles/")

    def garbage(days: float, ages: Ages | None = None) -> list[str]:
        found = find_garbage(artifacts, ages or Ages(), NOW + timedelta(days=days)).keys
        return [key for key in found if key.startswith(watched)]

    assert garbage(29) == [profiles[1]]
    assert garbage(31) == [served, profiles[1]]
    assert garbage(8, Ages(served=timedelta(days=7))) == [served, profiles[1]]
    # the newest look of a model holds its cool-down
    assert garbage(401) == [served, looks[0], profiles[1]]
    removed = collect_twice(artifacts)
    assert {served, profiles[1]} <= set(removed)
    assert {stat.key for prefix in watched for stat in artifacts.store.list(prefix)} == {*looks, profiles[0]}
