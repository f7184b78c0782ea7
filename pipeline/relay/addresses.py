"""Which servers have an address that means another machine inside a container: those on the loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.artifacts.s3_client import LOOPBACK
from pipeline.relay.sockets import Address

if TYPE_CHECKING:
    from collections.abc import Iterable

PORTS = {"http": 80, "https": 443}


def loopback_addresses(urls: Iterable[str]) -> tuple[Address, ...]:
    """The loopback addresses among those of some servers, each once, sorted."""
    return tuple(sorted({found for url in urls if (found := _loopback(url))}))


def _loopback(url: str) -> Address | None:
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return None
    # a name would have two addresses; clients try both
    host = "::1" if parts.hostname == "::1" else "127.0.0.1"
    return Address(host, parts.port or PORTS.get(parts.scheme, 80))
