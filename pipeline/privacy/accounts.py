"""Payment cards and bank accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS = re.compile(r"\d(?:[ .\u2010\u2011\u2013-]?\d){11,60}")
GROUP = re.compile(r"\d+")
NETWORK = re.compile(r"(?:4|5[0-8]|6\d|2[2-7]|3[0-9])\d+")
"""First digits of payment networks (ISO/IEC 7812: 3 travel, 4 and 5 banking, 6 banking and trade; 22 to 27 of Mastercard)."""
LENGTHS = range(13, 20)
FRACTION = re.compile(r"\d\.\Z")
"""Before the digits of a fraction."""
GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 3), (4, 5, 6)}
"""Digits of the groups that numbers are written in."""
MAX_GROUPS = 5

IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}))", re.IGNORECASE)
"""Looked for at each place, since a word before it may look like its start."""
MIN_IBAN = 15


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number of a payment card: some groups of digits that end in the right check digit."""
    for run in DIGITS.finditer(text):
        groups = [found.span() for found in GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = next(
                (last for last in range(min(first + MAX_GROUPS, len(groups)) - 1, first - 1, -1) if _is_card(text, groups, first, last)),
                None,
            )
            if last is not None:
                yield groups[first][0], groups[last][1]
            first = first + 1 if last is None else last + 1


def _is_card(text: str, groups: list[tuple[int, int]], first: int, last: int) -> bool:
    digits = "".join(text[start:end] for start, end in groups[first : last + 1])
    if len(digits) not in LENGTHS or NETWORK.fullmatch(digits) is None or len(set(digits)) == 1 or not passes_luhn(digits):
        return False
    if first == last:
        return FRACTION.search(text, max(groups[first][0] - 2, 0), groups[first][0]) is None
    return tuple(end - start for start, end in groups[first : last + 1]) in GROUPS


def passes_luhn(number: str) -> bool:
    """Whether the digits end in the check digit of ISO/IEC 7812, as those of payment cards do."""
    digits = [int(one) for one in number if one.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each IBAN: the longest one at a place whose length, structure and check digits are right for its country."""
    done = 0
    for found in IBAN.finditer(text):
        start, most = found.span(1)
        if start < done:
            continue
        for end in range(most, start + MIN_IBAN - 1, -1):
            if end < len(text) and _is_letter_or_digit(text[end]):
                continue
            if _is_letter_or_digit(text[end - 1]) and passes_mod_97(text[start:end]) and _has_structure(text[start:end]):
                yield start, end
                done = end
                break


def _is_letter_or_digit(char: str) -> bool:
    """Of ASCII: a number ends where a word of a script without blanks begins."""
    return char.isascii() and char.isalnum()


def passes_mod_97(number: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 7064, MOD 97-10)."""
    plain = number.replace(" ", "").replace("-", "")
    try:
        return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1
    except ValueError:
        return False


def _has_structure(number: str) -> bool:
    """Whether length and characters are those of the country."""
    from stdnum import iban

    return bool(iban.is_valid(number, check_country=False))
