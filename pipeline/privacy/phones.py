"""Phone numbers: with a country code, in the forms of some countries, and behind a word such as ``tel``.

The rules of countries are those of Google's libphonenumber (``phonenumbers``): they decide whether a number with a country code is possible.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BETWEEN = r"[ ()./\u2010\u2011\u2013-]{0,3}"
INTERNATIONAL = re.compile(rf"(?<![A-Za-z0-9_+])\+ ?\d(?:{BETWEEN}\d){{6,14}}(?!\d)")
DOUBLE_ZERO = re.compile(rf"(?<![A-Za-z0-9_./-])00[1-9](?:{BETWEEN}\d){{7,13}}(?!\d)")
FORMS = tuple(
    map(
        re.compile,
        (
            r"(?<![A-Za-z0-9_./-])(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])\d{3}[-. ]\d{4}(?![A-Za-z0-9_-])",
            r"(?<![A-Za-z0-9_./-])\(?0\d{2,4}\)?[ /-]\d{3,4}(?:[ -]?\d{2,4}){1,3}(?![A-Za-z0-9_-])",
            r"(?<![A-Za-z0-9_./-])0[1-9](?:[ .-]\d{2}){4}(?![A-Za-z0-9_-])",
        ),
    )
)
"""North America; Germany, Britain, Japan and others; France."""
NAMED = re.compile(
    r"(?<![A-Za-z])(?:tel|telephone|phone|mobile|mobil|handy|cell|fax|telefon|telefax|fon|whatsapp|sms|call(?: me)?)(?: ?(?:no|nr|number|nummer))?[.:]{0,2} {0,2}"
    rf"(\(?\d(?:{BETWEEN}\d){{6,14}})(?!\d)",
    re.IGNORECASE,
)
FRACTION = re.compile(r"\+ ?\d+\.\d{1,8}")
"""A positive number with a point, as programs print it."""
DIGITS = re.compile(r"\d(?:[ ()./\u2010\u2011\u2013-]{0,3}\d){5}")
"""Every number has so many digits in a row."""


def find_phones(text: str, regions: Sequence[str] = ()) -> Iterator[tuple[int, int]]:
    """Start and end of each phone number.

    Args:
        text: any text.
        regions: countries (ISO 3166, e.g. ``DE``) whose numbers are found in all their national forms.
    """
    if not DIGITS.search(text):
        return
    if "+" in text:
        yield from (found.span() for found in INTERNATIONAL.finditer(text) if is_possible(found[0]))
    if "00" in text:
        yield from (found.span() for found in DOUBLE_ZERO.finditer(text) if is_possible("+" + found[0][2:]))
    for pattern in FORMS:
        yield from (found.span() for found in pattern.finditer(text))
    yield from (found.span(1) for found in NAMED.finditer(text))
    for region in regions:
        from phonenumbers import Leniency, PhoneNumberMatcher

        yield from ((found.start, found.end) for found in PhoneNumberMatcher(text, region, Leniency.VALID))


def is_possible(number: str) -> bool:
    """Whether a number with ``+`` has a country code in use, and a length that the country has."""
    if FRACTION.fullmatch(number):
        return False
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        return bool(is_possible_number(parse(number, None)))
    except NumberParseException:
        return False
