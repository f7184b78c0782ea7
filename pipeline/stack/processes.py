"""Processes of the stack: started in sessions of their own, found again by a mark, ended to the last descendant.

The mark is an environment variable, ``TRAINSHED_STACK=<state folder>``, that every descendant inherits. Process ids in files
go stale and children outlive their parents (LocalExecutor's workers survive the kill of their scheduler, a component
survives its worker); the mark is found on each of them, after a kill of everything and whatever the files say.
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
class Marked:
    """A process that carries the mark."""

    process: psutil.Process
    server: str
    """The server it is or descends from."""

    configuration: str
    """Digest of the command, environment and files that server was started with."""


def find_marked(state: Path) -> list[Marked]:
    """Return every living process of a state folder's stack, oldest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            born = process.create_time()
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # gone meanwhile, or somebody else's: not ours either way
        if environment.get(MARK) == str(state):
            found.append((born, process.pid, Marked(process, environment.get(SERVER, ""), environment.get(CONFIGURATION, ""))))
    return [marked for _, _, marked in sorted(found, key=lambda entry: entry[:2])]


def start(command: Sequence[str], environment: dict[str, str], *, state: Path, server: str, configuration: str, log: Path) -> psutil.Popen:
    """Start a server in a session of its own, with its output appended to ``log``.

    A log above 16 MB is set aside first, one generation, so that a stack that lives for months does not fill the disk.
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
        )
    finally:
        os.close(descriptor)


def end(find: Callable[[], Iterable[psutil.Process]], retry_s: float) -> int:
    """End every process ``find`` returns: SIGTERM, wait, SIGKILL; again until it returns none.

    Looking again matters: a process may fork while its siblings are being ended. Workers of LocalExecutor that wait for
    work get SIGKILL at once: they have nothing to lose, and those whose scheduler was killed ignore SIGTERM (its handler
    is inherited and heeds only the scheduler's own process id).

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
    """Tell whether this is a LocalExecutor worker that waits for work; its title says so."""
    try:
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "LocalExecutor" in title and "<idle>" in title


def _wait(processes: list[psutil.Process], retry_s: float) -> None:
    """Wait for processes to end; workers that fall idle meanwhile are ended as they do."""
    deadline = time.monotonic() + retry_s
    while processes and time.monotonic() < deadline:
        processes = psutil.wait_procs(processes, timeout=ROUND_S)[1]
        for process in filter(is_idle_worker, processes):
            _signal(process.kill)


def memory_mb(processes: Iterable[psutil.Process]) -> int:
    """Return the memory of processes together, in megabytes.

    Proportional where the kernel says it (Linux): the scheduler's forked workers share most of their pages with it, and
    counting those once a process shows 670 MB where 250 are used. Unique pages elsewhere.
    """
    total = 0
    for process in processes:
        try:
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while we looked
        total += getattr(memory, "pss", memory.uss)
    return total // 2**20


def tail(log: Path, start: int = 0, lines: int = 3) -> str:
    """Return the last lines of a log from byte ``start`` on, joined by ``|``; what a one-line error can show."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    last = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
    return " | ".join(last) or "(empty log)"


def _signal(send: Callable[[], None]) -> None:
    """Send a signal; a process that is gone already needs none."""
    try:
        send()
    except psutil.NoSuchProcess:
        return
