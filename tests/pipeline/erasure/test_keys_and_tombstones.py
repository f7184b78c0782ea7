"""How a document is recognised, and what the store keeps about it."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict
from pipeline.corpus.cleaning.records import document_id
from pipeline.corpus.normalise import clean_text
from pipeline.erasure.keys import DOCUMENT_ID, NO_SIGNS, coarse, document_keys, input_key, text_key
from pipeline.erasure.tombstones import Forgotten, Tombstone, append_tombstone, read_tombstones
from pipeline.errors import Damaged

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def tombstone(number: int = 1, **fields: object) -> Tombstone:
    return Tombstone(number=number, time=NOW, person="ada", **fields)


@given(st.text(min_size=1))
def test_cleaning_does_not_change_what_a_text_is_recognised_by(text) -> None:
    assert text_key(clean_text(text)) == text_key(clean_text(text, keep_whitespace=True)) == text_key(text)


@given(st.text(st.characters(codec="ascii")))
def test_the_fast_way_for_ascii_is_the_same(text) -> None:
    assert coarse(text) == NO_SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())


def test_case_spacing_and_signs_do_not_matter_and_words_do() -> None:
    assert text_key("Ann  Smith, 12 Main St.") == text_key("ann smith\n12 MAIN ST")
    assert text_key("Ann Smith, 13 Main St.") != text_key("Ann Smith, 12 Main St.")
    assert input_key("a", "b") != input_key("ab", None)
    assert DOCUMENT_ID.fullmatch(document_id("text", None, "target"))


def test_a_document_is_forgotten_by_its_id_and_by_any_of_its_texts() -> None:
    by_id, by_text = Forgotten([tombstone(ids=("a" * 24,))]), Forgotten([tombstone(texts=(text_key("My secret"),))])
    assert ("a" * 24, "anything", None) in by_id
    assert ("b" * 24, "anything", None) not in by_id
    assert ("b" * 24, "my SECRET!", None) in by_text
    assert ("b" * 24, "a question", "my secret") in by_text
    assert ("b" * 24, "not my secret", None) not in by_text
    assert ("b" * 24, "my secret", None) not in Forgotten()
    assert set(document_keys("x", "y")) == {text_key("x"), text_key("y"), input_key("x", "y")}


def test_entries_are_appended_once_and_sealed(any_settings) -> None:
    store = open_store(any_settings)
    first, second = tombstone(texts=(text_key("My secret"),), reason="asked by mail"), tombstone(2, ids=("a" * 24,))
    append_tombstone(store, first)
    append_tombstone(store, second)
    with pytest.raises(Conflict):
        append_tombstone(store, tombstone(2, ids=("b" * 24,)))
    assert read_tombstones(store) == [first, second]
    assert b"secret" not in store.get("forgotten/000001.json").data.lower()


def test_a_changed_entry_is_noticed(folder_settings) -> None:
    store = open_store(folder_settings)
    append_tombstone(store, tombstone(ids=("a" * 24,)))
    body = json.loads(store.get("forgotten/000001.json").data)
    store.put("forgotten/000001.json", json.dumps({**body, "ids": []}).encode())
    with pytest.raises(Damaged, match="seal"):
        read_tombstones(store)
