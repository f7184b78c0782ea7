"""Ports: the one the settings name, the one used last time, or a free one.

A free port is drawn at random from 10240-22767 rather than asked of the kernel: that range and its partners 10000 above
lie below 32768, where Linux takes the ports of outgoing connections from, so a port that is free now is not lost to a
client a moment later; and two stacks that start at the same moment seldom draw the same.
"""

from __future__ import annotations

import json
import random
import socket
from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.stack.base import HOST
from pipeline.stack.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PARTNER_OFFSET = 10_000
"""Distance of a SeaweedFS gRPC port from its HTTP port; some of its parts assume it whatever the flags say."""

FIRST, LAST = 10_240, 22_767
ATTEMPTS = 200
FILE = "stack/ports.json"


def is_free(port: int) -> bool:
    """Tell whether nothing listens on ``port`` of the loopback address.

    SO_REUSEADDR as the servers set it: without it a port that a stopped server held stays "taken" for a minute.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def choose(preferred: Iterable[int], *, partner: bool, avoid: frozenset[int] = frozenset()) -> int:
    """Return the first preferred port that is free, else any free one.

    Args:
        preferred: ports to try first.
        partner: the port ``PARTNER_OFFSET`` above must be free too.
        avoid: ports given away already.

    Raises:
        Unavailable: no free port was found.
    """
    draws = random.Random()
    candidates = [*preferred, *(draws.randint(FIRST, LAST) for _ in range(ATTEMPTS))]
    for port in candidates:
        both = {port, port + PARTNER_OFFSET} if partner else {port}
        if not both & avoid and all(0 < one < 65_536 and is_free(one) for one in sorted(both)):
            return port
    raise Unavailable("no free port on 127.0.0.1", f"one of {FIRST}-{LAST}", "end what holds them and run `trainshed up` again")


def taken_by(ports: Mapping[str, int], partnered: frozenset[str]) -> frozenset[int]:
    """Return the ports of ``ports`` and, for the names in ``partnered``, their partners."""
    partners = {port + PARTNER_OFFSET for name, port in ports.items() if name in partnered}
    return frozenset(ports.values()) | partners


def recorded(state: Path) -> dict[str, int]:
    """Read the ports used last; none when the file is missing or unreadable."""
    try:
        return {str(name): int(port) for name, port in json.loads((state / FILE).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}  # a damaged record costs nothing but new ports


def record(state: Path, ports: Mapping[str, int]) -> None:
    """Keep the ports for the next start and for `trainshed status`."""
    write_private(state / FILE, json.dumps(dict(sorted(ports.items())), indent=1) + "\n")
