"""The processes of each server: the main process, and its descendants.

A file with process id and start time names the main process. It counts only if a marked process has both. If there is none (a
stale file, a reused process id, no file), every process of that server is a stray: it is ended and the server started again.
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

    from pipeline.stack.processes import MarkedProcess

CLOCK_SLACK_S = 1.0
"""psutil derives start times from the boot time, which the kernel's clock adjustments may shift by a little."""


@dataclass
class ServerProcesses:
    """The processes of one server."""

    main: psutil.Process | None = None
    """The server itself; None if it has ended."""

    configuration: str = ""
    """Digest of the command, environment and files that it was started with."""

    processes: list[psutil.Process] = field(default_factory=list)
    """All processes: the main one, its descendants and strays."""


def record(state: Path, server: str, process: psutil.Process) -> None:
    """Note that ``process`` is the main process of ``server``."""
    write_private(_file(state, server), json.dumps({"pid": process.pid, "created": process.create_time()}) + "\n")


def find_all(state: Path) -> dict[str, ServerProcesses]:
    """Return the running processes of a stack by server."""
    found: dict[str, ServerProcesses] = {}
    for marked in find_marked(state):
        server = found.setdefault(marked.server, ServerProcesses())
        server.processes.append(marked.process)
        if _is_main(state, marked):
            server.main, server.configuration = marked.process, marked.configuration
    return found


def _is_main(state: Path, marked: MarkedProcess) -> bool:
    try:
        kept = json.loads(_file(state, marked.server).read_text())
        return bool(kept["pid"] == marked.process.pid and abs(kept["created"] - marked.process.create_time()) < CLOCK_SLACK_S)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _file(state: Path, server: str) -> Path:
    return state / "stack" / f"{server}.pid"
