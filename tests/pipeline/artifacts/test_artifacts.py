"""Artifacts: committed whole or not at all, read back verified, every result reachable by its digest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts
from pipeline.artifacts.base import no_beat
from pipeline.artifacts.manifest import Manifest, blob_key
from pipeline.errors import Damaged, Preempted


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


def commit(
    artifacts: Artifacts, folder: Path, files: dict[str, str], name: str = "x", run: str = "r", check: Callable[[], object] = no_beat
) -> Manifest:
    return artifacts.commit(draft(name, run), write_files(folder, files), check=check)


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


def test_a_part_may_be_a_pattern_of_names(artifacts: Artifacts, tmp_path: Path) -> None:
    files = {"validation-00000.parquet": "v", "train-00000.parquet": "t", "validation-notes/x": "n", "z/validation-0.parquet": "z"}
    manifest = commit(artifacts, tmp_path / "in", files)
    assert [entry.path for entry in manifest.files_of(("validation-*.parquet",))] == ["validation-00000.parquet"]
    other = commit(artifacts, tmp_path / "other", {**files, "train-00000.parquet": "more"}, "other")
    assert other.digest_of(("validation-*.parquet",)) == manifest.digest_of(("validation-*.parquet",))
    assert other.digest != manifest.digest


def test_a_result_with_other_files_becomes_the_current_one_and_the_first_stays_by_its_digest(artifacts: Artifacts, tmp_path: Path) -> None:
    first = commit(artifacts, tmp_path / "first", {"a": "1"})
    second = commit(artifacts, tmp_path / "second", {"a": "2"})
    assert first.fingerprint == second.fingerprint
    assert artifacts.find("ingestion", first.fingerprint) == second
    assert artifacts.resolve(first.reference) == first
    assert artifacts.resolve(second.reference) == second
    assert {manifest.digest for manifest in artifacts.manifests("ingestion")} == {first.digest, second.digest}
    assert (artifacts.open(first, tmp_path / "out") / "a").read_text() == "1"
    again = commit(artifacts, tmp_path / "first", {"a": "1"})
    assert artifacts.find("ingestion", first.fingerprint) == again == first


def test_the_first_record_of_a_result_is_kept(artifacts: Artifacts, tmp_path: Path) -> None:
    first = commit(artifacts, tmp_path / "in", {"a": "1"}, run="first")
    second = commit(artifacts, tmp_path / "in", {"a": "1"}, run="second")
    assert second == first
    assert artifacts.resolve(first.reference).provenance.run == "first"


def test_an_attempt_that_may_not_commit_leaves_no_manifest(artifacts: Artifacts, tmp_path: Path) -> None:
    def refuse() -> None:
        raise Preempted("lost")

    with pytest.raises(Preempted):
        commit(artifacts, tmp_path / "in", {"a": "1"}, check=refuse)
    assert list(artifacts.store.list("manifests/")) == []


def test_an_attempt_that_is_overtaken_after_its_last_check_does_not_become_current(artifacts: Artifacts, tmp_path: Path) -> None:
    """The heir commits between the last look at the lease and the write of the pointer; then the lease is lost."""
    checks = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 2:
            commit(artifacts, tmp_path / "heir", {"a": "heir"})
        if len(checks) > 2:
            raise Preempted("another attempt holds the lease")

    with pytest.raises(Preempted):
        commit(artifacts, tmp_path / "stale", {"a": "stale"}, check=check)
    (current,) = [artifacts.find("ingestion", manifest.fingerprint) for manifest in list(artifacts.manifests())[:1]]
    assert (artifacts.open(current, tmp_path / "out") / "a").read_text() == "heir"


def test_a_blob_that_vanishes_during_the_commit_is_stored_again(artifacts: Artifacts, tmp_path: Path) -> None:
    def lose_blobs() -> None:
        for stat in list(artifacts.store.list("blobs/")):
            artifacts.store.delete(stat.key)

    manifest = commit(artifacts, tmp_path / "in", {"a": "1", "b": "2"}, check=lose_blobs)
    assert artifacts.verify(manifest) == []


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
