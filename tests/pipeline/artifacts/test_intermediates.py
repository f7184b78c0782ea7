"""Intermediate results: found again, made again where damaged, and collected with the artifacts that were made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.gc import Ages, collect
from pipeline.artifacts.intermediates import StoredIntermediates, key_of
from pipeline.artifacts.manifest import blob_key, to_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts

NOW = datetime.now(UTC)
ONE, TWO = {"chunk": "1"}, {"chunk": "2"}


@pytest.fixture
def artifacts(any_settings) -> Artifacts:
    return open_artifacts(any_settings)


@pytest.fixture
def kept(artifacts: Artifacts, tmp_path: Path) -> StoredIntermediates:
    found = StoredIntermediates(artifacts, {"code": "1"})
    found.commit(ONE, write_files(tmp_path / "one", {"a": "1", "b": "same"}))
    found.commit(TWO, write_files(tmp_path / "two", {"a": "2", "b": "same"}))
    return found


def test_what_was_kept_is_found_by_what_it_follows_from(kept: StoredIntermediates, artifacts: Artifacts, tmp_path: Path) -> None:
    again = StoredIntermediates(artifacts, {"code": "1"})
    assert again.fetch(tmp_path / "out", {"x": ONE, "y": TWO, "z": {"chunk": "3"}}, ("a",)) == {"x", "y"}
    assert {str(place.relative_to(tmp_path / "out")): place.read_text() for place in (tmp_path / "out").rglob("?/*")} == {
        "x/a": "1",
        "y/a": "2",
    }
    assert again.used == kept.used
    assert StoredIntermediates(artifacts, {"code": "2"}).fetch(tmp_path / "other", {"x": ONE}) == set()


def test_a_damaged_one_counts_as_missing_and_is_replaced(kept: StoredIntermediates, artifacts: Artifacts, tmp_path: Path) -> None:
    blob = next(stat.key for stat in artifacts.store.list("blobs/") if artifacts.store.get(stat.key).data == b"1")
    artifacts.store.put(blob, b"2")
    assert kept.fetch(tmp_path / "out", {"x": ONE, "y": TWO}) == {"y"}
    assert not (tmp_path / "out" / "x").exists()
    kept.commit(ONE, tmp_path / "one")
    assert kept.fetch(tmp_path / "again", {"x": ONE, "y": TWO}) == {"x", "y"}
    artifacts.store.put(key_of(kept.fingerprint(TWO)), b"{}")
    assert kept.fetch(tmp_path / "third", {"x": ONE, "y": TWO}) == {"x"}


def test_those_of_live_artifacts_stay_and_others_go(kept: StoredIntermediates, artifacts: Artifacts, tmp_path: Path) -> None:
    live = draft("live").model_copy(update={"intermediates": (kept.used[0],)})
    reference = artifacts.commit(live, write_files(tmp_path / "corpus", {"c": "corpus"})).reference
    artifacts.store.put(
        "ledger/m/000001.json", to_sealed({"decision": "promoted", "challenger": {"model": reference.model_dump(mode="json")}})
    )
    assert collect(artifacts, Ages(), NOW + timedelta(days=6)).marked == []
    collect(artifacts, Ages(), NOW + timedelta(days=40))
    removed = {stat.key for stat in collect(artifacts, Ages(), NOW + timedelta(days=42)).removed}
    assert key_of(kept.used[1]) in removed
    assert kept.fetch(tmp_path / "out", {"x": ONE, "y": TWO}) == {"x"}
    blobs = {stat.key for stat in artifacts.store.list("blobs/")}
    assert {blob_key(entry.sha256) for entry in artifacts.put_files(tmp_path / "one")} <= blobs


def test_an_old_one_that_is_used_again_is_young_again(kept: StoredIntermediates, artifacts: Artifacts, tmp_path: Path) -> None:
    key = key_of(kept.fingerprint(ONE))
    before = artifacts.store.get(key)
    assert kept.fetch(tmp_path / "out", {"x": ONE}) == {"x"}
    assert artifacts.store.get(key) == before
    artifacts.refresh_after = timedelta(0)
    assert kept.fetch(tmp_path / "again", {"x": ONE}) == {"x"}
    assert artifacts.store.get(key) != before
