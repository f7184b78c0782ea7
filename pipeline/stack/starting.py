"""Start servers side by side and wait until each one serves.

One loop asks every server in turn whether it lives and whether it serves; nothing is slept for but the pause between two
rounds. A server whose process ends, or that does not serve in time, ends the attempt: what this call has started is
stopped again and the reader gets one line with the end of that server's log.
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
from pipeline.stack.folder import translated, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

    from pipeline.stack.base import OnProgress, Server, Site

ROUND_PAUSE_S = 0.1
RETRY_S = 180.0
"""From its start to its first answer; the slowest, Airflow's API server, takes 6 s alone on one core."""

HANG_RETRY_S = 60.0
"""A server that ran before this call and does not answer for this long is replaced. Long, because replacing the scheduler
interrupts training, and training is what delays its heartbeat on a small machine."""

TAKEN = ("address already in use", "Address already in use", "bind: address", "Errno 98")


class PortTaken(TrainshedError):
    """A port was free when it was chosen and taken when the server asked for it: choose anew."""

    exit_code = 75


@dataclass
class _Start:
    """One server on its way."""

    server: Server
    process: psutil.Popen
    log_offset: int
    began: float
    missing: str = ""


def digest(server: Server, site: Site) -> str:
    """Digest what a server is started with: when it differs, a running one is out of date."""
    files = {str(path): text for path, text in server.files(site).items()}
    told = json.dumps([server.command(site), server.environment(site), files], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def start_all(servers: Sequence[Server], ready: set[str], site: Site, on_progress: OnProgress) -> None:
    """Start ``servers``, each once what it needs is ready, and return when all serve.

    Args:
        servers: those that do not run.
        ready: names of servers that run already or are not needed; the others are added as they come.
        site: where they run.
        on_progress: told of each change.

    Raises:
        Unavailable: one of them ended or did not serve in time.
        PortTaken: one of them found its port taken.
    """
    waiting = list(servers)
    under_way: list[_Start] = []
    for server in waiting:
        on_progress(ServerProgress(server.name, "waiting"))
    while waiting or under_way:
        for server in [one for one in waiting if ready.issuperset(one.needs)]:
            waiting.remove(server)
            if server.done(site):
                ready.add(server.name)
                on_progress(ServerProgress(server.name, "running"))
            else:
                under_way.append(_start(server, site))
                on_progress(ServerProgress(server.name, "starting"))
        for one in list(under_way):
            if _serves(one, site):
                under_way.remove(one)
                ready.add(one.server.name)
                on_progress(ServerProgress(one.server.name, "running"))
        time.sleep(ROUND_PAUSE_S)


def find_hung(servers: Sequence[Server], site: Site) -> list[Server]:
    """Return those of ``servers`` that live but do not serve within ``HANG_RETRY_S``."""
    deadline = time.monotonic() + HANG_RETRY_S
    silent = list(servers)
    while silent := [server for server in silent if server.probe(site, 0.0)]:
        if time.monotonic() > deadline:
            break
        time.sleep(ROUND_PAUSE_S)
    return silent


def _start(server: Server, site: Site) -> _Start:
    log = site.log_file(server.name)
    with translated(site.state):
        for path, text in server.files(site).items():
            write_private(path, text)
        offset = log.stat().st_size if log.exists() else 0
        process = processes.start(
            server.command(site),
            server.environment(site),
            state=site.state,
            server=server.name,
            configuration=digest(server, site),
            log=log,
        )
    server_processes.record(site.state, server.name, process)
    return _Start(server, process, offset, time.time())


def _serves(one: _Start, site: Site) -> bool:
    """Tell whether a server serves by now.

    Raises:
        Unavailable: it ended, or its time is over.
        PortTaken: it ended because its port was taken.
    """
    code = one.process.poll()
    if code == 0 and not one.server.lasting:
        one.server.finish(site)
        return True
    log = site.log_file(one.server.name)
    end_of_log = f"look at the end of {log}: {processes.tail(log, one.log_offset)}"
    if code is not None:
        taken = any(sign in processes.tail(log, one.log_offset, lines=40) for sign in TAKEN)
        kind = PortTaken if taken else Unavailable
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        raise kind(f"{one.server.name} ended {how} while starting", "a server that stays", end_of_log)
    one.missing = one.server.probe(site, one.began) if one.server.lasting else "at work"
    if one.missing and time.time() - one.began > RETRY_S:
        raise Unavailable(f"{one.server.name} does not serve after {RETRY_S:.0f} s ({one.missing})", "an answer", end_of_log)
    return not one.missing
