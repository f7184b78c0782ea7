"""The folder with the sockets, and the addresses they are for.

A container's user is another one than the stack's, so every user may connect to a socket. Who may get as far is decided above: the folder
is in another one that only its owner may enter. A mount leads past that one, and whoever may mount is root already.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INSIDE = "/run/trainshed"
"""Where a container has the folder."""

PRIVATE, ENTERED, CONNECTED = 0o700, 0o711, 0o666
"""Modes of the folder around it, of the folder, and of a socket."""

PROBE_S = 3.0


class Address(NamedTuple):
    """A loopback address of a server."""

    host: str
    port: int

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.host}:{self.port}"

    @property
    def file(self) -> str:
        """Name of its socket in the folder."""
        return str(self.port)

    @property
    def family(self) -> socket.AddressFamily:
        """IPv4 or IPv6."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET


def parse(text: str) -> Address:
    """The address that ``str`` made this of."""
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


def folder(state: Path) -> Path:
    """The folder of a stack's sockets; it stays when the stack is stopped, because containers have it mounted."""
    return state.resolve() / "relay" / "sockets"


def prepare(place: Path) -> None:
    """Make the folder, or correct its modes."""
    place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    place.parent.chmod(PRIVATE)
    place.chmod(ENTERED)


def silent(place: Path, addresses: Iterable[Address]) -> list[Address]:
    """Those of the addresses whose socket nobody listens on."""
    return [address for address in addresses if not _answers(place, address)]


def _answers(place: Path, address: Address) -> bool:
    """Whether a connection is accepted; the path of a socket may have 107 bytes, so it is named from its folder."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PROBE_S)
            probe.connect(f"/proc/self/fd/{descriptor}/{address.file}")
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
