"""Where private data is in a text, by kind."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING, NamedTuple

from pipeline.privacy.accounts import find_cards, find_ibans
from pipeline.privacy.addresses import find_emails, find_ips
from pipeline.privacy.national_ids import find_national_ids
from pipeline.privacy.phones import find_phones
from pipeline.privacy.tokens import find_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DETECTORS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "token": find_tokens,
    "email": find_emails,
    "iban": find_ibans,
    "card": find_cards,
    "national_id": find_national_ids,
    "ip": find_ips,
    "phone": find_phones,
}
"""Kind → where it is. What is of two kinds is of the earlier one."""

KINDS = tuple(DETECTORS)

NUMBERS = frozenset({"iban", "card", "national_id", "ip", "phone"})
"""Kinds that hold digits. Most paragraphs have none, and are not searched for them."""

DIGIT = re.compile(r"\d")


class Found(NamedTuple):
    """One place in a text."""

    start: int
    end: int
    kind: str


def find(text: str, kinds: Sequence[str] = KINDS, regions: Sequence[str] = ()) -> list[Found]:
    """What is private in a text, in its order; places do not overlap.

    Args:
        text: any text.
        kinds: what to look for; keys of `DETECTORS`.
        regions: countries whose phone numbers are found in all their national forms (`find_phones`).
    """
    places: list[Found] = []
    digits = DIGIT.search(text) is not None
    for kind in KINDS:
        if kind not in kinds or (kind in NUMBERS and not digits):
            continue
        spans = find_phones(text, regions) if kind == "phone" else DETECTORS[kind](text)
        for start, end in spans:
            number = bisect(places, (start, end))
            after_last = number == 0 or places[number - 1].end <= start
            if after_last and (number == len(places) or end <= places[number].start):
                places.insert(number, Found(start, end, kind))
    return places
