"""Which marked process is the server itself, and which descend from it.

A record of process id and start time says it, and is believed only if a process with both carries the mark: a stale record,
an id given to another program, or no record at all make every process of that server a stray, to be ended and replaced.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.stack.folder import write_private
from pipeline.stack.processes import find_marked

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

    from pipeline.stack.processes import Marked

CLOCK_SLACK_S = 1.0
"""Start times are derived from the boot time, which the kernel's clock adjustments may shift by a little."""


@dataclass
class Family:
    """The processes of one server."""

    root: psutil.Process | None = None
    configuration: str = ""
    members: list[psutil.Process] = field(default_factory=list)
    """All of them, the root and strays included."""


def record(state: Path, server: str, process: psutil.Process) -> None:
    """Note that ``process`` is the server itself."""
    write_private(_file(state, server), json.dumps({"pid": process.pid, "created": process.create_time()}) + "\n")


def families(state: Path) -> dict[str, Family]:
    """Return the living processes of a stack by server."""
    found: dict[str, Family] = {}
    for marked in find_marked(state):
        family = found.setdefault(marked.server, Family())
        family.members.append(marked.process)
        if _is_root(state, marked):
            family.root, family.configuration = marked.process, marked.configuration
    return found


def _is_root(state: Path, marked: Marked) -> bool:
    try:
        kept = json.loads(_file(state, marked.server).read_text())
        return bool(kept["pid"] == marked.process.pid and abs(kept["created"] - marked.process.create_time()) < CLOCK_SLACK_S)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _file(state: Path, server: str) -> Path:
    return state / "stack" / f"{server}.pid"
