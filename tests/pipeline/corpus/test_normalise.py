"""Cleaning and keys."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.cleaning.records import filter_reason, letter_share
from pipeline.corpus.normalise import BREAKS, INVISIBLE, JOINERS, NON_WORDS, clean_line, clean_text, comparison_key
from pipeline.recipe import Filter

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301tude", "étude"),
        ("a\x00b\ufeffc\u200bd", "abcd"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("  a \t b  \n   c  ", "a b\nc"),
        ("a\n\n \n\n\nb", "a\n\nb"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffdef f():\r\n\treturn 1 \r\n", "def f():\n\treturn 1"),
        ("\n \n  if x:\n\n\n    y\x00  ", "  if x:\n\n\n    y"),
        ("a\u00a0|\u3000b  |  c", "a | b  |  c"),
        ("e\u0301tude", "étude"),
        (" \n\t\n", ""),
    ],
)
def test_clean_with_whitespace_kept(text: str, expected: str) -> None:
    assert keep(text) == expected


def keep(text: str) -> str:
    return clean_text(text, keep_whitespace=True)


@given(st.text())
@pytest.mark.parametrize("form", [clean_text, clean_line, keep])
def test_what_is_clean_stays_as_it_is(form: Callable[[str], str], text: str) -> None:
    assert form(form(text)) == form(text)


@pytest.mark.parametrize(
    "other", ["return the value", "Return  the\nvalue.", "RETURN: the -- value!", "Return the_value", "Return the \uff56alue"]
)
def test_summaries_that_look_the_same_have_one_key(other: str) -> None:
    assert comparison_key(other) == comparison_key("Return the value.")


def test_different_words_have_different_keys_and_signs_alone_keep_theirs() -> None:
    assert len({comparison_key(text) for text in ("Return the value.", "Return a value.", "???", "!!!")}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [("वह दिन अच्छा था", "वह दान अच्छा था"), ("ที่", "ทั้"), ("عَلِمَ", "عُلِمَ"), ("今天天气很好", "今天天气不好"), ("café", "cafe")],
)
def test_words_that_differ_by_their_marks_have_different_keys(one: str, other: str) -> None:
    assert comparison_key(one) != comparison_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("می\u200cروم", "میروم"), ("क्\u200dष", "क्ष"), ("I ❤\ufe0f it", "I ❤ it"), ("cafe\u0301", "café"), ("今天天气很好。", "今天天气很好")],
)
def test_words_that_look_the_same_have_one_key_in_every_script(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other)


@pytest.mark.parametrize(
    "text", ["မြန်မာစာသည် လှပသည်", "वह दिन अच्छा था और हम पार्क गए", "วันนี้อากาศดีมากเราไปสวน", "今天天气很好我们去公园玩吧今天天气很好我们去公园"]
)
def test_no_script_is_filtered_for_its_marks(text: str) -> None:
    assert filter_reason(text, Filter(min_chars=10, min_letters=0.95)) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [("short", "too_short"), ("word " * 10, None), ("word " * 100, "too_long"), ("1 + 2 = 3; " * 5, "few_letters"), ("слово " * 8, None)],
)
def test_filter(text: str, reason: str | None) -> None:
    assert filter_reason(text.strip(), Filter(min_chars=20, max_chars=200)) == reason


def test_letters_counts_letters_and_white_space() -> None:
    assert letter_share("ab 1") == 0.75


ANY = st.text(
    st.characters(blacklist_categories=["Cs"]) | st.sampled_from(" \t\n\r\x0b\x85\xa0\u2028\u200b\u200d\u0301eé_1.,-ßİﬁ"), max_size=40
)


@given(ANY)
def test_the_fast_ways_give_what_the_expressions_say(text: str) -> None:
    composed = INVISIBLE.sub("", BREAKS.sub("\n", unicodedata.normalize("NFC", text)))
    assert clean_text(text) == re.sub("\n{3,}", "\n\n", re.sub(" ?\n ?", "\n", re.sub(r"[^\S\n]+", " ", composed))).strip()
    kept = re.sub(r"[^\S\n\t ]", " ", composed)
    assert clean_text(text, keep_whitespace=True) == re.sub(r"\A(?:[\t ]*\n)+", "", kept).rstrip()
    folded = JOINERS.sub("", unicodedata.normalize("NFKC", text).casefold())
    assert comparison_key(text) == (" ".join(NON_WORDS.sub(" ", folded).split()) or " ".join(folded.split()))


@given(ANY.filter(bool))
def test_the_share_of_letters(text: str) -> None:
    letters = [char for char in text if char.isspace() or regex.fullmatch(r"[[\w\p{M}]--[\d_]]", char, flags=regex.V1)]
    assert letter_share(text) == pytest.approx(len(letters) / len(text))
