"""Choose ports: the one of the settings, the one used last, or a free one.

A free port is a random number from 10240 to 22767. That range, and its partners 10000 higher, are below 32768, where Linux takes
the ports of outgoing connections from: a port that is free now is not taken by a client a moment later. Two stacks that
start at the same moment seldom choose the same.
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
"""Distance of a SeaweedFS gRPC port from its HTTP port. Some parts of SeaweedFS ignore the flags and assume it."""

FIRST, LAST = 10_240, 22_767
ATTEMPTS = 200
FILE = "stack/ports.json"


def is_free(port: int) -> bool:
    """Whether nothing listens on ``port`` of the loopback address.

    Uses SO_REUSEADDR like the servers: without it, the port of a stopped server counts as taken for a minute.
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
        partner: whether the port ``PARTNER_OFFSET`` higher must be free too.
        avoid: ports that are chosen already.

    Raises:
        Unavailable: no free port was found.
    """
    draws = random.Random()
    candidates = [*preferred, *(draws.randint(FIRST, LAST) for _ in range(ATTEMPTS))]
    for port in candidates:
        both = {port, port + PARTNER_OFFSET} if partner else {port}
        if not both & avoid and all(0 < one < 65_536 and is_free(one) for one in sorted(both)):
            return port
    raise Unavailable("no free port on 127.0.0.1", f"one of {FIRST}-{LAST}", "stop the programs that use them and run `trainshed up` again")


def taken_by(ports: Mapping[str, int], partnered: frozenset[str]) -> frozenset[int]:
    """Return the ports of ``ports`` and, for the names in ``partnered``, their partners."""
    partners = {port + PARTNER_OFFSET for name, port in ports.items() if name in partnered}
    return frozenset(ports.values()) | partners


def recorded(state: Path) -> dict[str, int]:
    """Read the ports used last; empty if the file is missing or unreadable."""
    try:
        return {str(name): int(port) for name, port in json.loads((state / FILE).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}  # without the file, ports are chosen again


def record(state: Path, ports: Mapping[str, int]) -> None:
    """Store the ports for the next start and for `trainshed status`."""
    write_private(state / FILE, json.dumps(dict(sorted(ports.items())), indent=1) + "\n")
