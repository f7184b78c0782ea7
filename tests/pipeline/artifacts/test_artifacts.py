"""Artifacts: committed whole or not at all, read back verified, healed when they were damaged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.gc import find_garbage, remove
from pipeline.artifacts.manifest import Manifest, Parts, Provenance, blob_key
from pipeline.errors import BadInput, Damaged

NOW = datetime.now(UTC)


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


def commit(artifacts: Artifacts, folder: Path, files: dict[str, str], name: str = "x", inputs: dict | None = None) -> Manifest:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    parts = Parts(component="ingestion", version=1, params={"name": name}, inputs={}, modules={}, libraries={})
    provenance = Provenance(code_version="x", run="r", started=NOW, finished=NOW)
    draft = Draft(type="corpus", stage="ingestion", parts=parts, inputs=inputs or {}, provenance=provenance)
    return artifacts.commit(draft, folder)


def flip(artifacts: Artifacts, manifest: Manifest, index: int = 0) -> None:
    key = blob_key(manifest.files[index].sha256)
    data = bytearray(artifacts.store.get(key).data)
    data[0] ^= 1
    artifacts.store.put(key, bytes(data))


def test_what_is_committed_is_found_and_opened(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1", "b/c": "2"})
    assert artifacts.find("ingestion", manifest.fingerprint) == manifest
    folder = artifacts.open(manifest, tmp_path / "out")
    assert (folder / "b/c").read_text() == "2"
    assert [entry.path for entry in manifest.files] == ["a", "b/c"]
    assert artifacts.find("ingestion", "0" * 64) is None


def test_equal_files_are_stored_once(artifacts: Artifacts, tmp_path: Path) -> None:
    commit(artifacts, tmp_path / "one", {"a": "same", "b": "same"}, "one")
    commit(artifacts, tmp_path / "two", {"c": "same"}, "two")
    assert len(list(artifacts.store.list("blobs/"))) == 1


def test_the_digest_covers_files_and_nothing_else(artifacts: Artifacts, tmp_path: Path) -> None:
    one, two = (commit(artifacts, tmp_path / name, {"a": "1"}, name) for name in ("one", "two"))
    assert one.fingerprint != two.fingerprint
    assert one.digest == two.digest
    assert commit(artifacts, tmp_path / "three", {"renamed": "1"}).digest != one.digest


@pytest.mark.parametrize("harm", ["flip", "delete"])
def test_damage_is_found_quarantined_and_healed(artifacts: Artifacts, tmp_path: Path, harm: str) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1", "b": "2"})
    if harm == "flip":
        flip(artifacts, manifest)
    else:
        artifacts.store.delete(blob_key(manifest.files[0].sha256))
        assert [entry.path for entry in artifacts.missing(manifest)] == ["a"]
    assert [damage.entry.path for damage in artifacts.verify(manifest)] == ["a"]
    with pytest.raises(Damaged, match="ingestion"):
        artifacts.open(manifest, tmp_path / "out")
    assert artifacts.find("ingestion", manifest.fingerprint) is None
    assert len(list(artifacts.store.list("quarantine/ingestion/"))) == 1
    healed = commit(artifacts, tmp_path / "in", {"a": "1", "b": "2"})
    assert artifacts.verify(healed) == []
    assert (artifacts.open(healed, tmp_path / "again") / "a").read_text() == "1"


def test_a_manifest_that_cannot_be_read_counts_as_absent(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    data = artifacts.store.get(manifest.key).data
    artifacts.store.put(manifest.key, data.replace(b'"name": "x"', b'"name": "y"'))
    assert artifacts.find("ingestion", manifest.fingerprint) is None
    artifacts.store.put(manifest.key, b"{}")
    assert artifacts.find("ingestion", manifest.fingerprint) is None
    assert len(list(artifacts.store.list("quarantine/"))) == 2


@pytest.mark.parametrize("path", ["../../elsewhere", "/elsewhere", ""])
def test_a_manifest_whose_file_would_stand_elsewhere_counts_as_absent(artifacts: Artifacts, tmp_path: Path, path: str) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    artifacts.store.put(manifest.key, artifacts.store.get(manifest.key).data.replace(b'"path": "a"', f'"path": "{path}"'.encode()))
    assert artifacts.find("ingestion", manifest.fingerprint) is None


def test_a_new_result_replaces_the_old_manifest(artifacts: Artifacts, tmp_path: Path) -> None:
    old = commit(artifacts, tmp_path / "old", {"a": "1"})
    new = commit(artifacts, tmp_path / "new", {"a": "2"})
    assert old.fingerprint == new.fingerprint
    assert artifacts.find("ingestion", old.fingerprint).digest == new.digest


def test_the_cache_is_used_and_distrusts_what_changed(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "12345"})
    artifacts.open(manifest, tmp_path / "one")
    artifacts.store.delete(blob_key(manifest.files[0].sha256))
    assert (artifacts.open(manifest, tmp_path / "two") / "a").read_text() == "12345"
    cached = artifacts.cache.folder / manifest.files[0].sha256[:2] / manifest.files[0].sha256
    cached.chmod(0o644)
    cached.write_text("54321")
    with pytest.raises(Damaged):
        artifacts.open(manifest, tmp_path / "three")


def test_the_cache_keeps_its_limit_but_not_at_the_cost_of_what_is_in_use(folder_settings, tmp_path: Path) -> None:
    artifacts = open_artifacts(folder_settings.model_copy(update={"cache_limit_mb": 1}))
    manifests = [commit(artifacts, tmp_path / f"in{i}", {"a": str(i) * (700 << 10)}, str(i)) for i in range(3)]
    used = artifacts.open(manifests[0], tmp_path / "used")
    for manifest in manifests[1:]:
        folder = artifacts.open(manifest, tmp_path / "brief")
        (folder / "a").unlink()
    artifacts.cache.trim()
    kept = {path.name for path in artifacts.cache.folder.glob("??/*") if not path.suffix}
    assert kept == {manifests[0].files[0].sha256}
    assert (used / "a").stat().st_size == 700 << 10


def test_a_root_that_cannot_be_read_stops_the_collection(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    artifacts.store.put("ledger/m/000001.json", manifest.reference.model_dump_json().encode()[:-3])
    with pytest.raises(BadInput, match=r"ledger/m/000001\.json"):
        find_garbage(artifacts, 30, NOW + timedelta(days=40))


def test_a_damaged_manifest_does_not_stop_the_collection(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    artifacts.store.put(manifest.key, b"{")
    assert find_garbage(artifacts, 30).keys == []
    assert find_garbage(artifacts, 30, NOW + timedelta(days=40)).keys == [blob_key(manifest.files[0].sha256)]


def test_what_came_to_be_relied_on_since_it_was_found_is_not_removed(artifacts: Artifacts, tmp_path: Path) -> None:
    manifest = commit(artifacts, tmp_path / "in", {"a": "1"})
    later = NOW + timedelta(days=40)
    garbage = find_garbage(artifacts, 30, later)
    assert len(garbage.keys) == 2
    artifacts.store.put("ledger/m/000001.json", manifest.reference.model_dump_json().encode())
    assert remove(artifacts, garbage, 30, later) == 0
    assert artifacts.verify(manifest) == []


def test_garbage_is_what_no_root_leads_to(artifacts: Artifacts, tmp_path: Path) -> None:
    source = commit(artifacts, tmp_path / "source", {"a": "source"}, "source")
    kept = commit(artifacts, tmp_path / "kept", {"a": "kept"}, "kept", {"from": source.reference})
    gone = commit(artifacts, tmp_path / "gone", {"a": "gone"}, "gone")
    artifacts.store.put("ledger/m/000001.json", kept.reference.model_dump_json().encode())
    assert find_garbage(artifacts, 30).keys == []
    later = NOW + timedelta(days=40)
    garbage = find_garbage(artifacts, 30, later)
    assert garbage.keys == [gone.key, blob_key(gone.files[0].sha256)]
    assert remove(artifacts, garbage, 30, later) == 2
    assert artifacts.verify(kept) == artifacts.verify(source) == []
    assert artifacts.find("ingestion", gone.fingerprint) is None
