"""Made-up private values in many formats and contexts are found, and texts without any stay as they are."""

from __future__ import annotations

import random
from itertools import pairwise
from pydoc_data.topics import topics

import pytest
from fixtures.private_values import CONTEXTS, MAKERS, left, planted
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy.find import KINDS, find
from pipeline.privacy.hide import STAND_INS, Hider, mask, stand_in

COUNT = 1000


@pytest.mark.parametrize("kind", MAKERS)
def test_recall_of_planted_values(kind: str) -> None:
    missed = [(value, text) for text, values in planted(kind, COUNT, 1) for value in values if left(value, mask(text))]
    assert len(missed) <= COUNT // 100, missed[:5]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(set(MAKERS) - {"national_id"})),
    st.integers(0, 1 << 30),
    st.sampled_from(CONTEXTS),
    st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Nl", "No"]), max_size=20),
)
def test_nothing_is_left_in_any_text_around(kind: str, seed: int, context: str, around: str) -> None:
    value = MAKERS[kind](random.Random(seed))
    text = f"{around} {context.format(*[value] * context.count('{}'))} {around}"
    assert left(value, mask(text)) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.from_regex(r"[\w .@:+/=-]{0,120}"))
def test_places_are_in_order_and_hidden_text_stays(text: str) -> None:
    places = find(text)
    assert all(one.end <= other.start for one, other in pairwise(places))
    assert all(0 <= place.start < place.end <= len(text) and place.kind in KINDS for place in places)
    hidden = mask(text)
    assert mask(hidden) == hidden


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('password = "hunter2x9"', 'password = "<token>"'),
        ("DB_PASSWORD: s3cr3t!pass", "DB_PASSWORD: <token>"),
        ("api_key => 8f14e45fceea167a", "api_key => <token>"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZDE=", "Authorization: Basic <token>"),
        ("Server=db;Password=abc;Port=1", "Server=db;Password=<token>;Port=1"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcw", "<token>"),
        ("A file with -----BEGIN PRIVATE KEY----- in it is a key.", "A file with <token> in it is a key."),
        ("jane (at) example (dot) org", "<email>"),
        ("SSN 078-05-1121 is his", "SSN <national_id> is his"),
        ("12 4111 1111 1111 1111 12/27 123", "12 <card> 12/27 123"),
        ("DE89 3704 0044 0532 0130 00 IS MINE", "<iban> IS MINE"),
    ],
)
def test_values_behind_names_and_beside_others(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "password: str | None = None",
        "token = tokens[3]",
        'secret_key="<your secret>"',
        "basic functionality, bearer of authentication-things",
        "sk-learn-contrib-package-name",
        "1.230000071797338e+24 and 3.7416573867739413",
        "[18.582 27.023 44.357 64.522]",
        "[-12.5 +4.0614962j ,   0.  +0.j",
        "10.1088/0026-1394/44/2/003",
        "127.0.0.1, 0.0.0.0 and 255.255.255.0",
        "2026-01-02 10:30:45,123",
        "x[a::b], std::string::npos",
        "commit 5f3c2a1b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
    ],
)
def test_what_programs_print_stays(text: str) -> None:
    assert mask(text) == text


def test_the_documentation_of_python_holds_nothing_but_examples() -> None:
    found = [text[place.start : place.end] for text in topics.values() for place in find(text)]
    assert set(found) <= {"tarek@ziade.org", "3.11.4.0"} | {one for one in found if "@" in one}


def test_a_stand_in_is_the_same_for_the_same_value_however_it_is_written() -> None:
    hider = Hider(salt="a salt of ours")
    (one, counts), (other, _) = (
        hider.hide(text) for text in ("Call +49 170 1234567 or ADA@example.org", "+491701234567, ada@example.org!")
    )
    phone, email = stand_in("phone", "+491701234567", "a salt of ours"), stand_in("email", "ada@example.org", "a salt of ours")
    assert (one, other) == (f"Call {phone} or {email}", f"{phone}, {email}!")
    assert counts == {"phone": 1, "email": 1}
    assert Hider(salt="another salt").hide(one)[0] == one
    assert stand_in("phone", "+491701234567", "another salt") != phone


def test_many_values_share_a_stand_in() -> None:
    found = {stand_in("phone", f"+49170{number:07}", "salt and more") for number in range(20_000)}
    assert len(found) == STAND_INS


def test_tokens_of_one_value_are_hidden_each() -> None:
    found, counts = MASK.hide_tokens(["Call", "+49", "170", "1234567", "or", "(ada@example.org)", "."])
    assert found == ["Call", "<phone>", "<phone>", "<phone>", "or", "<email>", "."]
    assert counts == {"phone": 1, "email": 1}


MASK = Hider()


def test_national_forms_of_a_region() -> None:
    text = "Ruf 0170 12345678 oder 030901820 an"
    assert mask(text) == "Ruf <phone> oder 030901820 an"
    assert Hider(regions=("DE",)).hide(text)[0] == "Ruf <phone> oder <phone> an"
