"""Start the processes of the stack in new sessions, find them by a mark, and end them with all descendants.

The mark is an environment variable, ``TRAINSHED_STACK=<state folder>``, that every descendant inherits. A file with a process id
may be stale, and children may outlive their parent: LocalExecutor's workers survive a kill of the scheduler, a component
survives its worker. The mark finds all of them.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from pipeline.stack.environment import inherited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

MARK = "TRAINSHED_STACK"
SERVER = "TRAINSHED_STACK_SERVER"
CONFIGURATION = "TRAINSHED_STACK_CONFIGURATION"

KILL_ROUNDS = 5
ROUND_S = 0.2
LOG_LIMIT = 16 * 2**20


@dataclass(frozen=True)
class MarkedProcess:
    """A process that carries the mark."""

    process: psutil.Process
    server: str
    """The server it is or descends from."""

    configuration: str
    """Digest of the command, environment and files of that server."""


def find_marked(state: Path) -> list[MarkedProcess]:
    """Return every running process with the mark of a state folder, oldest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            born = process.create_time()
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # it has ended, or belongs to another user
        if environment.get(MARK) == str(state):
            found.append((born, process.pid, MarkedProcess(process, environment.get(SERVER, ""), environment.get(CONFIGURATION, ""))))
    return [marked for _, _, marked in sorted(found, key=lambda entry: entry[:2])]


def start(command: Sequence[str], environment: dict[str, str], *, state: Path, server: str, configuration: str, log: Path) -> psutil.Popen:
    """Start a server in a new session and append its output to ``log``.

    A log above 16 MB is renamed to ``.log.1`` first, so that a stack that runs for months does not fill the disk.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    marks = {MARK: str(state), SERVER: server, CONFIGURATION: configuration}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return psutil.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env={**inherited(), **environment, **marks},
            cwd=state,
            start_new_session=True,
            # SeaweedFS opens Unix sockets in /tmp: only their owner may connect, whatever the caller's umask is
            umask=0o077,
        )
    finally:
        os.close(descriptor)


def end(find: Callable[[], Iterable[psutil.Process]], retry_s: float) -> int:
    """End every process that ``find`` returns: SIGTERM, wait, SIGKILL; repeat until it returns none.

    The repetition is needed because a process may fork while others are being ended. Idle workers of LocalExecutor get SIGKILL
    at once: they have no task, and after a kill of the scheduler they ignore SIGTERM, because the inherited handler acts
    only in the process of the scheduler.

    Args:
        find: returns the processes that still run.
        retry_s: time between SIGTERM and SIGKILL, in seconds.

    Returns:
        How many processes there were at first.
    """
    processes = list(find())
    for process in processes:
        _signal(process.kill if is_idle_worker(process) else process.terminate)
    _wait(processes, retry_s)
    left = list(find())
    for _ in range(KILL_ROUNDS):
        for process in left:
            _signal(process.kill)
        psutil.wait_procs(left, timeout=5)
        left = list(find())
        if not left:
            break
    return len(processes)


def is_idle_worker(process: psutil.Process) -> bool:
    """Whether this is an idle worker of LocalExecutor, by its process title."""
    try:
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "LocalExecutor" in title and "<idle>" in title


def _wait(processes: list[psutil.Process], retry_s: float) -> None:
    """Wait for processes to end; kill workers as soon as they are idle."""
    deadline = time.monotonic() + retry_s
    while processes and time.monotonic() < deadline:
        processes = psutil.wait_procs(processes, timeout=ROUND_S)[1]
        for process in filter(is_idle_worker, processes):
            _signal(process.kill)


def memory_mb(processes: Iterable[psutil.Process]) -> int:
    """Return the total memory of processes, in megabytes.

    On Linux it is the proportional set size: the scheduler's forked workers share most pages with it, and counting those for
    each process shows 670 MB where 250 are used. On other systems it is the unique set size.
    """
    total = 0
    for process in processes:
        try:
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it has ended
        total += getattr(memory, "pss", memory.uss)
    return total // 2**20


def tail(log: Path, start: int = 0, lines: int = 3) -> str:
    """Return the last lines of a log after byte ``start``, joined by ``|``, for a one-line error."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    last = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
    return " | ".join(last) or "(empty log)"


def _signal(send: Callable[[], None]) -> None:
    """Send a signal; a process that has ended is no error."""
    try:
        send()
    except psutil.NoSuchProcess:
        return
