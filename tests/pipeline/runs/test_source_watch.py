"""Announcements of new data: each digest once, again if no run began, and never twice by two watches."""

from __future__ import annotations

import pytest

from pipeline.artifacts import open_store
from pipeline.runs.source_watch import announce, begin, watch_key


@pytest.fixture
def store(any_settings):
    """Each kind of store in turn."""
    return open_store(any_settings)


def test_a_digest_is_announced_once_a_run_has_begun_for_it(store):
    assert announce(store, "notes", "a", waiting=False)
    begin(store, "notes", {"a"}, "notes-1")
    assert not announce(store, "notes", "a", waiting=False)
    assert announce(store, "notes", "b", waiting=False)
    begin(store, "notes", {"b"}, "notes-2")
    # data that came back is a change too
    assert announce(store, "notes", "a", waiting=False)


def test_a_lost_announcement_is_repeated_until_a_run_begins_but_not_while_one_waits(store):
    assert announce(store, "notes", "a", waiting=False)
    assert announce(store, "notes", "a", waiting=False)
    assert not announce(store, "notes", "a", waiting=True)
    # a run that knows only older data, or that no announcement started
    begin(store, "notes", {"older"}, "notes-1")
    begin(store, "notes", frozenset(), "notes-2")
    assert announce(store, "notes", "a", waiting=False)
    begin(store, "notes", {"older", "a"}, "notes-3")
    assert not announce(store, "notes", "a", waiting=False)


def test_a_change_is_announced_although_a_run_waits(store):
    """That run has pinned, or will pin, what it finds; only a further run is certain to read the change."""
    assert announce(store, "notes", "a", waiting=True)
    assert announce(store, "notes", "b", waiting=True)


def test_recipes_have_records_of_their_own(store):
    assert announce(store, "notes", "a", waiting=False)
    assert announce(store, "mails", "a", waiting=False)


def test_a_run_that_begins_between_read_and_write_is_not_forgotten(store, monkeypatch):
    announce(store, "notes", "a", waiting=False)
    real, calls = store.put, []

    def put(key, data, **condition):
        if not calls:
            calls.append(key)
            # a second watch announces newer data first
            announce(store, "notes", "b", waiting=False)
        return real(key, data, **condition)

    monkeypatch.setattr(store, "put", put)
    begin(store, "notes", {"a"}, "notes-1")
    assert calls == [watch_key("notes")]
    # the conditional put failed, and the newest announcement was not the run's
    assert announce(store, "notes", "b", waiting=False)


def test_damaged_bytes_cost_one_more_announcement(store):
    announce(store, "notes", "a", waiting=False)
    begin(store, "notes", {"a"}, "notes-1")
    store.put(watch_key("notes"), b'{"digest": "a", "ru')
    begin(store, "notes", {"a"}, "notes-2")
    assert announce(store, "notes", "a", waiting=False)
    assert not announce(store, "notes", "a", waiting=True)
