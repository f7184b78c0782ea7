"""A verified blob is not read again for a day, unless it changed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import FileEntry, blob_key
from pipeline.planning import verified_blobs
from pipeline.planning.verified_blobs import VALID_S, VerifiedBlobs

ENTRY = FileEntry(path="a", size=3, sha256="0" * 64)


@pytest.fixture
def store(any_settings):
    found = open_store(any_settings)
    found.put(blob_key(ENTRY.sha256), b"one")
    return found


@pytest.fixture
def place(store, tmp_path):
    """The file of a record that holds the blob."""
    found = tmp_path / "file_cache" / "verified.json"
    blobs = VerifiedBlobs(found)
    assert blobs.unverified(store, [ENTRY]) == [ENTRY]
    blobs.add(store, [ENTRY])
    assert VerifiedBlobs(found).unverified(store, [ENTRY]) == []
    return found


def test_a_changed_blob_is_read_again(store, place):
    store.put(blob_key(ENTRY.sha256), b"two")
    assert VerifiedBlobs(place).unverified(store, [ENTRY]) == [ENTRY]


def test_a_missing_blob_has_to_be_read(store, place):
    store.delete(blob_key(ENTRY.sha256))
    assert VerifiedBlobs(place).unverified(store, [ENTRY]) == [ENTRY]


def test_a_day_later_it_is_read_again(store, place, monkeypatch):
    later = verified_blobs.time.time() + VALID_S
    monkeypatch.setattr(verified_blobs, "time", SimpleNamespace(time=lambda: later))
    assert VerifiedBlobs(place).unverified(store, [ENTRY]) == [ENTRY]


def test_a_blob_that_changed_while_it_was_read_is_not_recorded(store, place):
    blobs = VerifiedBlobs(place)
    store.put(blob_key(ENTRY.sha256), b"two")
    blobs.unverified(store, [ENTRY])
    store.put(blob_key(ENTRY.sha256), b"six")
    blobs.add(store, [ENTRY])
    assert VerifiedBlobs(place).unverified(store, [ENTRY]) == [ENTRY]


@pytest.mark.parametrize("text", ["{cut", "[]", '{"a": 1}', '{"a": ["e", "now"]}'])
def test_a_record_that_cannot_be_read_counts_as_empty(store, place, text):
    place.write_text(text)
    assert VerifiedBlobs(place).unverified(store, [ENTRY]) == [ENTRY]


def test_a_record_that_cannot_be_written_costs_nothing_else(store, tmp_path):
    (tmp_path / "file_cache").write_text("a file where the folder should be")
    blobs = VerifiedBlobs(tmp_path / "file_cache" / "verified.json")
    blobs.unverified(store, [ENTRY])
    blobs.add(store, [ENTRY])
    assert (tmp_path / "file_cache").is_file()
