"""E-mail and IP addresses."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = re.compile(r"(?<![\w.+%-])\w(?:[\w.+%&=/!#$*?^{|}~-]|'(?=\w)){0,63}@[\w-]+(?:\.[\w-]+)+")
SPELLED = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64} ?[\[({<] ?at ?[\])}>] ?[\w-]+(?:(?:\.| ?[\[({<] ?(?:dot|punkt) ?[\])}>] ?)[\w-]+)+", re.IGNORECASE
)
"""``jane (at) example (dot) org``."""
AT = re.compile(r"[\[({<] ?at ?[\])}>]", re.IGNORECASE)

IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?![A-Za-z0-9_]|\.\d)")
BEFORE = re.compile(r"[A-Za-z0-9_.]\Z")
"""Not before an IPv4 address. Looked at afterwards: a pattern that begins with it is ten times as slow."""
IPV6 = re.compile(
    r"(?<![A-Za-z0-9_.:])(?:[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}|(?:fe80|f[cd][0-9A-Fa-f]{2}|[23][0-9A-Fa-f]{3})::[0-9A-Fa-f]{1,4})(?![A-Za-z0-9_:])",
    re.IGNORECASE,
)
"""With two colons only where the first group is one of networks in use: ``a::b`` is an address too, and mostly something else."""


COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
"""In every IPv6 address."""


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each e-mail address."""
    if "@" in text:
        yield from (found.span() for found in EMAIL.finditer(text))
    if AT.search(text):
        yield from (found.span() for found in SPELLED.finditer(text))


def find_ips(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each IP address of a machine; addresses of this machine, of no machine and of all are the same everywhere."""
    if "." in text:
        for found in IPV4.finditer(text):
            if not BEFORE.search(text, max(found.start() - 1, 0), found.start()) and is_machine(found[0]):
                yield found.span()
    if COLONS.search(text):
        yield from (found.span() for found in IPV6.finditer(text) if is_machine(found[0]))


def is_machine(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address, of one machine."""
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast or text in {"255.255.255.255", "255.255.255.0"})
