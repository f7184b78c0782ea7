"""What is removed from logged texts, and what is not."""

from __future__ import annotations

import pytest

from pipeline.privacy.hide import mask

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.org, please", "write to <email>, please"),
        ("card 4111 1111 1111 1111.", "card <card>."),
        ("4111111111111111", "<card>"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN <iban> is mine"),
        ("from 192.168.0.17:8080", "from <ip>:8080"),
        ("at 2001:db8:0:0:8a2e:0:370:7334", "at <ip>"),
        ("at 2001:db8::8a2e:370:7334!", "at <ip>!"),
        ("call +49 (0)170 1234567 now", "call <phone> now"),
        ("call 555-123-4567 or (555) 123-4567", "call <phone> or <phone>"),
        ("Tel. 030/1234 5678", "Tel. <phone>"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <token>"),
        (f"token {JWT} ends", "token <token> ends"),
        ("https://me:hunter2@host/x", "https://<token>@host/x"),
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer <token>"),
        ("?password=secret&x=1", "?password=<token>&x=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----", "<token>"),
    ],
)
def test_it_is_replaced(text: str, expected: str) -> None:
    assert mask(text) == expected
    assert mask(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",  # wrong check digit
        "IBAN DE88370400440532013000",
        "at 10:30:45 on 2026-01-02",
        "std::vector and a[1:2:3]",
        "version 1.2.3 of 999.1.1.1",
        "3.141592653589793238",
        "@decorator and x @ y",
        "0 1 2 3 4 5 6 7 8 9",
        "order 20260102",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text) == text
