"""Damage: found, recorded without deleting anything, healed by the next commit; trouble on the way is no damage."""

from pathlib import Path

import pytest
from fixtures.artifacts import draft, flip, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, quarantine_key
from pipeline.artifacts.manifest import Manifest, blob_key, pointer_key
from pipeline.errors import Damaged

FILES = {"a": "1", "b": "2"}


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


@pytest.fixture
def manifest(artifacts: Artifacts, tmp_path: Path) -> Manifest:
    return artifacts.commit(draft(), write_files(tmp_path / "in", FILES))


def objects(artifacts: Artifacts) -> dict[str, str]:
    return {stat.key: stat.etag for stat in artifacts.store.list("")}


@pytest.mark.parametrize("harm", ["flip", "delete"])
def test_damage_is_found_and_healed_by_the_next_commit(artifacts: Artifacts, manifest: Manifest, tmp_path: Path, harm: str) -> None:
    if harm == "flip":
        flip(artifacts, manifest)
    else:
        artifacts.store.delete(blob_key(manifest.files[0].sha256))
    assert [damage.entry.path for damage in artifacts.verify(manifest)] == ["a"]
    with pytest.raises(Damaged, match="ingestion"):
        artifacts.open(manifest, tmp_path / "out")
    assert [damage.entry.path for damage in artifacts.missing(manifest)] == ["a"]
    assert artifacts.resolve(manifest.reference) == manifest
    healed = artifacts.commit(draft(), write_files(tmp_path / "in", FILES))
    assert healed == manifest
    assert artifacts.missing(healed) == artifacts.verify(healed) == []
    assert (artifacts.open(healed, tmp_path / "again") / "a").read_text() == "1"


def test_quarantine_deletes_nothing(artifacts: Artifacts, manifest: Manifest) -> None:
    flip(artifacts, manifest)
    before = objects(artifacts)
    assert artifacts.quarantine(manifest.files[0])
    after = objects(artifacts)
    assert after.keys() - before.keys() == {quarantine_key(manifest.files[0].sha256)}
    assert before.items() <= after.items()


def test_a_blob_that_is_good_after_all_is_not_quarantined(artifacts: Artifacts, manifest: Manifest) -> None:
    assert not artifacts.quarantine(manifest.files[0])
    assert list(artifacts.store.list("quarantine/")) == []


def test_verify_forgets_a_quarantine_that_was_wrong(artifacts: Artifacts, manifest: Manifest) -> None:
    key = blob_key(manifest.files[0].sha256)
    good = artifacts.store.get(key).data
    flip(artifacts, manifest)
    artifacts.quarantine(manifest.files[0])
    record = artifacts.store.get(quarantine_key(manifest.files[0].sha256)).data
    artifacts.store.put(key, good)
    # as if the good object had been taken for a damaged one
    etag = artifacts.store.head(key).etag.encode().replace(b'"', b'\\"')
    wrong = record.replace(record.split(b'"etag": "')[1].split(b'",\n')[0], etag)
    artifacts.store.put(quarantine_key(manifest.files[0].sha256), wrong)
    assert artifacts.missing(manifest)
    assert artifacts.verify_and_record(manifest) == []
    assert artifacts.missing(manifest) == []


def test_a_read_only_view_changes_nothing(artifacts: Artifacts, manifest: Manifest, any_settings, tmp_path: Path) -> None:
    flip(artifacts, manifest)
    artifacts.store.put(pointer_key("ingestion", "0" * 64), b"{")
    before = objects(artifacts)
    view = open_artifacts(any_settings, read_only=True)
    assert view.find("ingestion", "0" * 64) is None
    assert view.quarantine(manifest.files[0])
    with pytest.raises(Damaged):
        view.open(manifest, tmp_path / "out")
    assert list(view.manifests()) == [manifest]
    assert objects(artifacts) == before


def test_an_unreadable_manifest_counts_as_absent_and_is_replaced_after_a_copy(
    artifacts: Artifacts, manifest: Manifest, tmp_path: Path
) -> None:
    data = artifacts.store.get(manifest.key).data
    for bad in (data.replace(b'"name": "x"', b'"name": "y"'), b"{}", b"\xff"):
        artifacts.store.put(manifest.key, bad)
        assert artifacts.find("ingestion", manifest.fingerprint) is None
        assert artifacts.resolve(manifest.reference) is None
        assert artifacts.store.get(manifest.key).data == bad
        assert artifacts.commit(draft(), write_files(tmp_path / "in", FILES)) == manifest
        assert artifacts.find("ingestion", manifest.fingerprint) == manifest
    copies = [artifacts.store.get(stat.key).data for stat in artifacts.store.list("quarantine/manifests/")]
    assert len(copies) == 3
    assert all(b"reason" in copy and len(copy) > 100 for copy in copies)


@pytest.mark.parametrize("path", ["../../elsewhere", "/elsewhere", ""])
def test_a_manifest_with_a_file_outside_the_artifact_counts_as_absent(artifacts: Artifacts, manifest: Manifest, path: str) -> None:
    artifacts.store.put(manifest.key, artifacts.store.get(manifest.key).data.replace(b'"path": "a"', f'"path": "{path}"'.encode()))
    assert artifacts.find("ingestion", manifest.fingerprint) is None


def test_a_manifest_under_the_key_of_another_counts_as_absent(artifacts: Artifacts, manifest: Manifest, tmp_path: Path) -> None:
    other = artifacts.commit(draft("other"), write_files(tmp_path / "other", {"a": "other"}))
    artifacts.store.put(manifest.key, artifacts.store.get(other.key).data)
    assert artifacts.resolve(manifest.reference) is None


def test_an_unreadable_pointer_is_replaced_by_the_next_commit(artifacts: Artifacts, manifest: Manifest, tmp_path: Path) -> None:
    artifacts.store.put(pointer_key("ingestion", manifest.fingerprint), b"{")
    assert artifacts.find("ingestion", manifest.fingerprint) is None
    assert artifacts.resolve(manifest.reference) == manifest
    artifacts.commit(draft(), write_files(tmp_path / "in", FILES))
    assert artifacts.find("ingestion", manifest.fingerprint) == manifest
