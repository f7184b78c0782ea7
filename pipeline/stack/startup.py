"""Start servers side by side and wait until each one is ready.

One loop checks the process of every server and probes it. If a server exits, or is not ready in time, the start fails: the
caller stops what was started, and the user gets one line with the end of that server's log.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError, Unavailable
from pipeline.stack import processes, server_processes
from pipeline.stack.base import ServerProgress
from pipeline.stack.folder import disk_errors, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

    from pipeline.stack.base import OnProgress, Server, StackContext

ROUND_PAUSE_S = 0.1
RETRY_S = 180.0
"""Longest time from start to ready. Airflow's API server is the slowest: 6 s alone on one core."""

HANG_RETRY_S = 60.0
"""A server that ran before this call and does not answer for this long is restarted. Long, because a restart of the scheduler
interrupts training, and training delays its heartbeat on a small machine."""

TAKEN = ("address already in use", "Address already in use", "bind: address", "Errno 98")


class PortTaken(TrainshedError):
    """A port was free when it was chosen, but another process took it before the server did: choose again."""

    exit_code = 75


@dataclass
class _Start:
    """A server that is starting."""

    server: Server
    process: psutil.Popen
    log_offset: int
    began: float
    missing: str = ""


def digest(server: Server, context: StackContext) -> str:
    """Digest of what a server is started with; if it differs, the running server has an old configuration."""
    files = {str(path): text for path, text in server.files(context).items()}
    text = json.dumps([server.command(context), server.environment(context), files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def start_all(servers: Sequence[Server], ready: set[str], context: StackContext, on_progress: OnProgress) -> None:
    """Start ``servers``, each one when the servers it needs are ready, and return when all are ready.

    Args:
        servers: servers that do not run.
        ready: names of servers that run; the started ones are added when they are ready.
        context: folder, ports, secrets and settings.
        on_progress: called at each change.

    Raises:
        Unavailable: a server exited or was not ready in time.
        PortTaken: another process took the port of a server.
    """
    waiting = list(servers)
    starting: list[_Start] = []
    for server in waiting:
        on_progress(ServerProgress(server.name, "waiting"))
    while waiting or starting:
        for server in [one for one in waiting if ready.issuperset(one.needs)]:
            waiting.remove(server)
            if server.done(context):
                ready.add(server.name)
                on_progress(ServerProgress(server.name, "running"))
            else:
                starting.append(_start(server, context))
                on_progress(ServerProgress(server.name, "starting"))
        for one in list(starting):
            if _is_ready(one, context):
                starting.remove(one)
                ready.add(one.server.name)
                on_progress(ServerProgress(one.server.name, "running"))
        time.sleep(ROUND_PAUSE_S)


def find_hung(servers: Sequence[Server], context: StackContext) -> list[Server]:
    """Return those of ``servers`` whose probe does not succeed within ``HANG_RETRY_S``."""
    deadline = time.monotonic() + HANG_RETRY_S
    silent = list(servers)
    while silent := [server for server in silent if server.probe(context, 0.0)]:
        if time.monotonic() > deadline:
            break
        time.sleep(ROUND_PAUSE_S)
    return silent


def _start(server: Server, context: StackContext) -> _Start:
    log = context.log_file(server.name)
    with disk_errors(context.state):
        for path, text in server.files(context).items():
            write_private(path, text)
        offset = log.stat().st_size if log.exists() else 0
        process = processes.start(
            server.command(context),
            server.environment(context),
            state=context.state,
            server=server.name,
            configuration=digest(server, context),
            log=log,
        )
    server_processes.record(context.state, server.name, process)
    return _Start(server, process, offset, time.time())


def _is_ready(one: _Start, context: StackContext) -> bool:
    """Whether a starting server is ready.

    Raises:
        Unavailable: it exited, or was not ready in time.
        PortTaken: it exited because its port was taken.
    """
    code = one.process.poll()
    if code == 0 and not one.server.lasting:
        one.server.finish(context)
        return True
    log = context.log_file(one.server.name)
    end_of_log = f"read {log}, which ends with: {processes.tail(log, one.log_offset)}"
    if code is not None:
        taken = any(sign in processes.tail(log, one.log_offset, lines=40) for sign in TAKEN)
        kind = PortTaken if taken else Unavailable
        how = f"exited with code {code}" if code >= 0 else f"was killed by signal {-code}"
        raise kind(f"{one.server.name} {how} while starting", "", end_of_log)
    one.missing = one.server.probe(context, one.began) if one.server.lasting else "still running"
    if one.missing and time.time() - one.began > RETRY_S:
        raise Unavailable(f"{one.server.name} is not ready after {RETRY_S:.0f} s ({one.missing})", "", end_of_log)
    return not one.missing
