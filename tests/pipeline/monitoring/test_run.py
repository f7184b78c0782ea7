"""One look at a model: what is found, what is recorded, and when a retraining is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fixtures.simulated_texts import Language
from fixtures.watched_model import LEARNED, NOW

from pipeline.errors import BadInput
from pipeline.monitoring.look import Looks
from pipeline.monitoring.page import next_step, render_looks, verdict
from pipeline.monitoring.run import look_at
from pipeline.registry.versions import remove_alias, set_alias

if TYPE_CHECKING:
    from fixtures.watched_model import WatchedModel

    from pipeline.monitoring.look import Check, Look

STRANGE = Language(2)


def look(watched: WatchedModel, run: str, days: float = 0, *, emit: bool = True) -> Look:
    return look_at(watched.recipe, watched.settings, run, emit=emit, now=NOW + timedelta(days=days))


def check(found: Look, name: str) -> Check:
    return next(one for one in found.checks if one.name == name)


def test_a_model_that_is_asked_as_it_learned_is_within_all_limits(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    watched.serve(LEARNED.texts(150, 5))
    found = look(watched, "a")
    assert [one.name for one in found.checks] == ["drift", "data", "champion", "alias"]
    assert verdict(found) == "within all limits"
    assert (found.texts, found.event, next_step(found)) == (150, False, "")
    assert Looks(watched.artifacts.store, watched.model).newest(5) == [found]


def test_texts_of_another_kind_ask_for_a_retraining_once(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    watched.serve(STRANGE.texts(150, 5))
    first = look(watched, "a")
    assert check(first, "drift").crossed
    assert first.event
    # a retry of the same run asks for the same thing, and measures nothing again
    assert look(watched, "a", days=0.1) == first
    watched.serve(STRANGE.texts(150, 6))
    second = look(watched, "b", days=1)
    assert (second.event, second.held_back_until) == (False, NOW + timedelta(days=7))
    assert "cool-down" in next_step(second)
    # what was found during the cool-down is not lost with it
    third = look(watched, "c", days=7.1)
    assert (third.texts, third.event) == (0, True)


def test_a_new_champion_ends_what_was_asked_about_the_old_one(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    watched.serve(STRANGE.texts(150, 5))
    assert next_step(look(watched, "a", emit=False)) == "A retraining is due; this look asked for none."
    watched.promote(days_ago=0, digest="2")
    assert not look(watched, "b", days=1).event


def test_what_one_look_compared_the_next_does_not_compare_again(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    watched.serve(LEARNED.texts(60, 5))
    few = look(watched, "a")
    assert (check(few, "drift").says, few.served_until) == ("60 new texts, 100 are needed", "")
    watched.serve(LEARNED.texts(60, 6))
    assert look(watched, "b", days=1).texts == 120
    assert check(look(watched, "c", days=2), "drift").says == "0 new texts, 100 are needed"


def test_equal_texts_count_once(watched: WatchedModel) -> None:
    """A client that repeats one request is no new kind of text."""
    watched.promote(days_ago=1)
    watched.serve(["the same"] * 500 + LEARNED.texts(120, 5))
    found = look(watched, "a")
    assert (found.texts, check(found, "drift").crossed) == (121, False)


def test_old_data_and_an_old_champion_ask_for_a_retraining(watched: WatchedModel) -> None:
    watched.promote(days_ago=40)
    found = look(watched, "a")
    assert [one.name for one in found.checks if one.crossed] == ["data"]
    assert check(found, "data").says == "the corpus was read 40.0 days ago"
    assert found.event
    assert [one.name for one in look(watched, "b", days=51).checks if one.crossed] == ["data", "champion"]


def test_an_alias_that_someone_moved_is_found_and_starts_nothing(watched: WatchedModel) -> None:
    watched.promote(days_ago=2)
    watched.promote(days_ago=1, digest="2")
    set_alias(watched.server, watched.model, "champion", 1)
    found = look(watched, "a")
    assert check(found, "alias").says == "the alias champion is version 1, the ledger says version 2"
    assert check(found, "alias").crossed
    assert not found.event
    remove_alias(watched.server, watched.model, "champion")
    assert check(look(watched, "b", days=1), "alias").says == "the alias champion is not set, the ledger says version 2"


def test_without_a_champion_there_is_nothing_to_look_at(watched: WatchedModel) -> None:
    found = look(watched, "a")
    assert (verdict(found), found.event) == ("no champion", False)
    assert "has no champion yet" in found.checks[0].says


def test_a_corpus_that_is_too_small_is_one_line(watched: WatchedModel) -> None:
    watched.promote(days_ago=1, texts=150)
    watched.serve(LEARNED.texts(150, 5))
    with pytest.raises(BadInput, match=r"^a corpus of 150 different texts is too small for a profile; expected at least 200;"):
        look(watched, "a")


def test_a_damaged_record_is_one_line(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    look(watched, "a")
    (found,) = watched.artifacts.store.list(f"monitoring/{watched.model}/")
    watched.artifacts.store.put(found.key, b"garbage")
    with pytest.raises(BadInput, match="is no record of a look; fix: restore it from a backup, or delete it"):
        look(watched, "b", days=1)


def test_the_profile_is_made_once_and_again_if_it_is_damaged(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    store = watched.artifacts.store
    for day in range(3):
        watched.serve(LEARNED.texts(150, 5 + day))
        look(watched, f"{day}", days=day)
        (found,) = store.list("profiles/")
        if day == 0:
            etag = found.etag
        assert (found.etag == etag) == (day < 2)
        if day == 1:
            etag = store.put(found.key, b"damaged")


def test_the_page_shows_the_last_look_and_the_trend(watched: WatchedModel) -> None:
    watched.promote(days_ago=1)
    for day in range(3):
        watched.serve((STRANGE if day == 2 else LEARNED).texts(150, 5 + day))
        look(watched, f"run-<{day}>", days=day)
    page = render_looks(Looks(watched.artifacts.store, watched.model).newest(5))
    assert "drift beyond the limit" in page
    assert "run-&lt;0&gt;" in page
    assert "A retraining was asked for." in page
    assert page.count("<svg") == 3  # drift, age of the data, age of the champion
