"""Bring the stack up, take it down, say how it is.

`up` is a reconciliation: it looks at what runs, keeps every server that is alive and started with what it would be started
with now, and starts the rest. So it is harmless twice, mends a stack of which a part was killed, and replaces a server
whose settings changed; after a reboot or a kill of everything it finds nothing and starts all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.lookup import load
from pipeline.stack import SERVERS, existing, folder, ports, processes, server_processes, starting, stopping
from pipeline.stack.base import ServerProgress, ServerStatus, Site, quiet
from pipeline.stack.environment import write_env_file
from pipeline.stack.s3 import PARTS
from pipeline.stack.secrets import load_or_generate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.stack.base import OnProgress, Server
    from pipeline.stack.server_processes import Family

PORT_ATTEMPTS = 3
PARTNERED = frozenset(PARTS)


def up(settings: Settings, on_progress: OnProgress = quiet) -> list[ServerStatus]:
    """Start what does not run and return when every server serves.

    Args:
        settings: where and on which ports; ``use_existing`` leaves servers out.
        on_progress: told of each change.

    Returns:
        The status of every server.

    Raises:
        BadInput: a setting is wrong, or the state folder cannot be written to.
        Unavailable: a server ended or did not serve in time, an existing one does not answer, or the disk is full.
    """
    existing.check_names(settings)
    state = settings.state.resolve()
    folder.make_ready(state)
    with folder.locked(state):
        existing.require(settings)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                _reconcile(settings, state, on_progress)
                break
            except starting.PortTaken:
                if attempt == PORT_ATTEMPTS:
                    raise
    return status(settings)


def down(settings: Settings, on_progress: OnProgress = quiet, end_steps: Callable[[Settings], int] | None = None) -> int:
    """Stop every process of the stack, strays included; existing servers are left alone.

    Args:
        settings: where the stack is.
        on_progress: told of each change.
        end_steps: ends the steps that outlive Airflow's tasks, and counts them; see `pipeline.launchers.base.end_steps_of`.

    Returns:
        How many processes and steps there were.

    Raises:
        BadInput: the state folder cannot be written to.
        Unavailable: whether steps run cannot be found out; the stack is stopped all the same.
    """
    state = settings.state.resolve()
    if not state.exists():
        return 0
    with folder.locked(state):
        steps = _end_steps(settings, state, end_steps) if end_steps else 0
        count = steps + stopping.stop_all(state, on_progress)
        remove_sockets(ports.recorded(state))
    return count


def _end_steps(settings: Settings, state: Path, end_steps: Callable[[Settings], int]) -> int:
    """End the steps: after what would start new ones, before the servers they need. If that fails, the stack is stopped all the same."""
    stopping.stop_servers(state, [stopping.WORKERS])
    try:
        return end_steps(settings)
    except Unavailable:
        stopping.stop_all(state, quiet)
        raise


def status(settings: Settings) -> list[ServerStatus]:
    """Look at every server and ask it whether it serves. Changes nothing."""
    existing.check_names(settings)
    state = settings.state.resolve()
    lines = [_existing_status(settings, state, group) for group in existing.GROUPS if group in settings.use_existing]
    known = ports.recorded(state)
    site = Site(state, settings, known, load_or_generate(state)) if known else None
    living = server_processes.families(state)
    return lines + [_status(server, site, state, living) for server in local_servers(settings) if server.lasting]


def local_servers(settings: Settings) -> list[Server]:
    """Return the servers that are started here."""
    servers: list[Server] = [load("server", SERVERS, name) for name in SERVERS]
    return [server for server in map(_made, servers) if server.group not in settings.use_existing]


def remove_sockets(used: Mapping[str, int]) -> None:
    """Remove the Unix sockets that SeaweedFS leaves in /tmp, where it names them by port with no setting against it."""
    from pathlib import Path

    wanted = {str(port) for port in ports.taken_by(used, PARTNERED)}
    for socket in Path("/tmp").glob("seaweedfs-*.sock"):  # noqa: S108 - where SeaweedFS puts them
        if socket.stem.rpartition("-")[2] in wanted and socket.owner() == Path.home().owner():
            socket.unlink(missing_ok=True)


def _made(server: object) -> Server:
    made: Server = server()  # type: ignore[operator]
    return made


def _reconcile(settings: Settings, state: Path, on_progress: OnProgress) -> None:
    servers = local_servers(settings)
    living = _without_strays(state)
    site = Site(state, settings, _ports(settings, state, servers, living), load_or_generate(state))
    with folder.translated(state):
        ports.record(state, site.ports)
        write_env_file(site)
    current = [server for server in servers if _is_current(server, site, living)]
    stopping.stop_servers(state, living.keys() - {server.name for server in current})
    _start([server for server in servers if server not in current], current, site, on_progress)
    hung = starting.find_hung(current, site)
    if hung:
        stopping.stop_servers(state, [server.name for server in hung])
        _start(hung, [server for server in servers if server not in hung], site, on_progress)


def _start(missing: list[Server], running: list[Server], site: Site, on_progress: OnProgress) -> None:
    """Start what is missing; when one fails, stop those started with it."""
    for server in running:
        on_progress(ServerProgress(server.name, "running"))
    try:
        starting.start_all(missing, {server.name for server in running}, site, on_progress)
    except BaseException:
        stopping.stop_servers(site.state, [server.name for server in missing])
        raise


def _without_strays(state: Path) -> dict[str, Family]:
    """End what is left of servers that died, before ports are chosen: a stray may hold the one its server had."""
    living = server_processes.families(state)
    stopping.stop_servers(state, [name for name, family in living.items() if family.root is None])
    return {name: family for name, family in living.items() if family.root is not None}


def _is_current(server: Server, site: Site, living: Mapping[str, Family]) -> bool:
    """Tell whether a server runs as it would be started now."""
    family = living.get(server.name)
    return family is not None and family.root is not None and family.configuration == starting.digest(server, site)


def _ports(settings: Settings, state: Path, servers: list[Server], living: Mapping[str, Family]) -> dict[str, int]:
    """Choose ports: a living server's stay; else last time's while others live, since they were told them; else the settings'."""
    known = ports.recorded(state)
    groups = {server.group for server in servers}
    wishes = {part: settings.s3_port + step for step, part in enumerate(PARTS)} if "s3" in groups else {}
    wishes |= {name: wish for name, wish in (("mlflow", settings.mlflow_port), ("airflow", settings.airflow_port)) if name in groups}
    kept = {name: known[name] for name in wishes if name in known and _holds(name, living)}
    chosen = dict(kept)
    for name in wishes:
        if name not in chosen:
            order = [known.get(name, 0), wishes[name]] if living else [wishes[name], known.get(name, 0)]
            chosen[name] = ports.choose(order, partner=name in PARTNERED, avoid=ports.taken_by(chosen, PARTNERED))
    return chosen


def _holds(port: str, living: Mapping[str, Family]) -> bool:
    """Tell whether the server that listens on this port is alive."""
    owner = {"mlflow": "mlflow", "airflow": "airflow-api"}.get(port, "s3")
    family = living.get(owner)
    return family is not None and family.root is not None


def _status(server: Server, site: Site | None, state: Path, living: Mapping[str, Family]) -> ServerStatus:
    family = living.get(server.name, server_processes.Family())
    log = state / "logs" / f"{server.name}.log"
    if site is None or family.root is None:
        strays = f"{len(family.members)} processes left over" if family.members else ""
        return ServerStatus(server.name, "stopped", None, "", processes.memory_mb(family.members), strays, log)
    missing = server.probe(site, 0.0)
    address = server.address(site)
    memory = processes.memory_mb(family.members)
    return ServerStatus(server.name, "not answering" if missing else "running", family.root.pid, address, memory, missing, log)


def _existing_status(settings: Settings, state: Path, group: str) -> ServerStatus:
    missing = existing.probe(settings, group)
    address = existing.address(settings, group)
    return ServerStatus(group, "not answering" if missing else "existing", None, address, 0, missing, state / "logs" / f"{group}.log")
