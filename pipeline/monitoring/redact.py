"""Replaces what identifies people or opens doors in a text: addresses, numbers with a checksum, tokens.

Patterns find candidates; where a checksum exists (cards, IBAN) or a parser does (IP addresses), it decides. Names, street addresses
and anything else without a form stay: this lowers the risk of a log, and makes no text anonymous. Profiles are made of redacted texts
too, so that a redacted log resembles its corpus. Every registered model ships this module, so it imports nothing of this project.
"""

from __future__ import annotations

import re
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def redact(text: str) -> str:
    """The text with ``<email>``, ``<card>`` and so on in the place of what was found. Redacted text stays as it is."""
    for kind, pattern, holds in PATTERNS:
        text = pattern.sub(partial(_replace, kind, holds), text)
    return text


def _replace(kind: str, holds: Callable[[str], bool], found: re.Match[str]) -> str:
    return f"<{kind}>" if holds(found[0]) else found[0]


def passes_luhn(number: str) -> bool:
    """Whether the digits end in the check digit of ISO/IEC 7812, as those of payment cards do."""
    digits = [int(one) for one in number if one.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def passes_mod_97(number: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 7064, MOD 97-10)."""
    plain = number.replace(" ", "")
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def always(_: str) -> bool:
    """The pattern alone decides."""
    return True


TOKENS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON Web Token
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|xox[abeprs]-|sk-|sk_live_|npm_|pypi-)[\w-]{16,}",
    r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",  # user and password of a URL
    r"(?i:(?<=bearer )[\w.~+/-]{16,}=*)",
    r"(?i:(?<=password=)[^\s&\"'<]+)",
)

PATTERNS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("token", re.compile("|".join(TOKENS), re.DOTALL), always),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), always),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b"), passes_mod_97),
    ("card", re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d|\.\d)"), passes_luhn),
    ("ip", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)"), is_address),
    ("ip", re.compile(r"(?<![\w.:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:])"), is_address),
    ("phone", re.compile(r"(?<![\w+])\+\d(?:[ ()./-]{0,2}\d){7,14}(?!\d)"), always),
    ("phone", re.compile(r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"), always),
    ("phone", re.compile(r"(?<![\w.-])\(?0\d{2,4}\)?[ /-]\d{3,4}(?:[ -]?\d{2,4}){1,3}(?![\w-])"), always),
)
"""Kind, pattern, and what a match has to satisfy. Earlier ones win."""
