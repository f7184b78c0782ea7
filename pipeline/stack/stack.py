"""Start the stack, stop it, and report its status.

`up` reconciles: it keeps every server that runs with its present configuration, and starts the others. So it is safe to run
twice, restarts what was killed, and replaces a server whose settings changed. After a reboot it starts everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Unavailable
from pipeline.stack import SERVERS, existing, folder, ports, processes, server_processes, shutdown, startup
from pipeline.stack.base import ServerProgress, ServerStatus, StackContext, ignore_progress
from pipeline.stack.environment import write_env_file
from pipeline.stack.s3 import PARTS
from pipeline.stack.secrets import load_or_generate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.stack.base import OnProgress, Server
    from pipeline.stack.server_processes import ServerProcesses

PORT_ATTEMPTS = 3
PARTNERED = frozenset(PARTS)


def up(settings: Settings, on_progress: OnProgress = ignore_progress, needed: frozenset[str] = frozenset()) -> list[ServerStatus]:
    """Start every server that does not run, and return when all are ready.

    Args:
        settings: folder, ports, and in ``use_existing`` the servers that are not started.
        on_progress: called at each change.
        needed: groups of servers that the launcher needs beside the usual ones; see `pipeline.launchers.base.servers_of`.

    Returns:
        The status of every server.

    Raises:
        BadInput: a setting is wrong, or the state folder cannot be written to.
        Unavailable: a server exited or was not ready in time, an existing one does not answer, or the disk is full.
    """
    existing.check_names(settings)
    state = settings.state.resolve()
    folder.prepare(state)
    with folder.locked(state):
        existing.check_all(settings)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                _reconcile(settings, state, on_progress, needed)
                break
            except startup.PortTaken:
                if attempt == PORT_ATTEMPTS:
                    raise
    return status(settings, needed)


def down(settings: Settings, on_progress: OnProgress = ignore_progress, end_steps: Callable[[Settings], int] | None = None) -> int:
    """Stop every process of the stack, strays included; existing servers are left alone.

    Args:
        settings: where the stack is.
        on_progress: called at each change.
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
        count = steps + shutdown.stop_all(state, on_progress)
        remove_sockets(ports.recorded(state))
    return count


def _end_steps(settings: Settings, state: Path, end_steps: Callable[[Settings], int]) -> int:
    """End the steps: after what would start new ones, before the servers they need. If that fails, the stack is stopped all the same."""
    shutdown.stop_servers(state, [shutdown.WORKERS])
    try:
        return end_steps(settings)
    except Unavailable:
        shutdown.stop_all(state, ignore_progress)
        raise


def status(settings: Settings, needed: frozenset[str] = frozenset()) -> list[ServerStatus]:
    """Return the status of every server, from its processes and a probe. Changes nothing.

    Args:
        settings: where the stack is.
        needed: as in `up`.
    """
    existing.check_names(settings)
    state = settings.state.resolve()
    lines = [_existing_status(settings, state, group) for group in existing.GROUPS if group in settings.use_existing]
    known = ports.recorded(state)
    context = StackContext(state, settings, known, load_or_generate(state)) if known else None
    running = server_processes.find_all(state)
    return lines + [_status(server, context, state, running) for server in local_servers(settings, needed) if server.lasting]


def local_servers(settings: Settings, needed: frozenset[str]) -> list[Server]:
    """Return the servers that `up` starts."""
    servers: list[Server] = [SERVERS.load(name)() for name in SERVERS]
    wanted = needed.union(existing.GROUPS) - settings.use_existing
    return [server for server in servers if server.group in wanted]


def remove_sockets(used: Mapping[str, int]) -> None:
    """Remove the Unix sockets that SeaweedFS leaves in /tmp; it names them by port, and no setting moves them."""
    from pathlib import Path

    wanted = {str(port) for port in ports.taken_by(used, PARTNERED)}
    for socket in Path("/tmp").glob("seaweedfs-*.sock"):  # noqa: S108 - where SeaweedFS puts them
        if socket.stem.rpartition("-")[2] in wanted and socket.owner() == Path.home().owner():
            socket.unlink(missing_ok=True)


def _reconcile(settings: Settings, state: Path, on_progress: OnProgress, needed: frozenset[str]) -> None:
    servers = local_servers(settings, needed)
    running = _end_strays(state)
    context = StackContext(state, settings, _ports(settings, state, servers, running), load_or_generate(state))
    with folder.disk_errors(state):
        ports.record(state, context.ports)
        write_env_file(context)
    current = [server for server in servers if _is_current(server, context, running)]
    shutdown.stop_servers(state, running.keys() - {server.name for server in current})
    _start([server for server in servers if server not in current], current, context, on_progress)
    hung = startup.find_hung(current, context)
    if hung:
        shutdown.stop_servers(state, [server.name for server in hung])
        _start(hung, [server for server in servers if server not in hung], context, on_progress)


def _start(missing: list[Server], running: list[Server], context: StackContext, on_progress: OnProgress) -> None:
    """Start the missing servers; if one fails, stop all of them."""
    for server in running:
        on_progress(ServerProgress(server.name, "running"))
    try:
        startup.start_all(missing, {server.name for server in running}, context, on_progress)
    except BaseException:
        shutdown.stop_servers(context.state, [server.name for server in missing])
        raise


def _end_strays(state: Path) -> dict[str, ServerProcesses]:
    """End the strays of servers that died, before ports are chosen: a stray may still hold its server's port."""
    running = server_processes.find_all(state)
    shutdown.stop_servers(state, [name for name, server in running.items() if server.main is None])
    return {name: server for name, server in running.items() if server.main is not None}


def _is_current(server: Server, context: StackContext, running: Mapping[str, ServerProcesses]) -> bool:
    """Whether a server runs with the configuration that it would be started with now."""
    found = running.get(server.name)
    return found is not None and found.main is not None and found.configuration == startup.digest(server, context)


def _ports(settings: Settings, state: Path, servers: list[Server], running: Mapping[str, ServerProcesses]) -> dict[str, int]:
    """Choose ports: a running server keeps its port; else the last one while other servers run, which know it; else the setting."""
    known = ports.recorded(state)
    groups = {server.group for server in servers}
    wishes = {part: settings.s3_port + step for step, part in enumerate(PARTS)} if "s3" in groups else {}
    wishes |= {name: wish for name, wish in (("mlflow", settings.mlflow_port), ("airflow", settings.airflow_port)) if name in groups}
    kept = {name: known[name] for name in wishes if name in known and _holds(name, running)}
    chosen = dict(kept)
    for name in wishes:
        if name not in chosen:
            order = [known.get(name, 0), wishes[name]] if running else [wishes[name], known.get(name, 0)]
            chosen[name] = ports.choose(order, partner=name in PARTNERED, avoid=ports.taken_by(chosen, PARTNERED))
    return chosen


def _holds(port: str, running: Mapping[str, ServerProcesses]) -> bool:
    """Whether the server that listens on this port is running."""
    owner = {"mlflow": "mlflow", "airflow": "airflow-api"}.get(port, "s3")
    found = running.get(owner)
    return found is not None and found.main is not None


def _status(server: Server, context: StackContext | None, state: Path, running: Mapping[str, ServerProcesses]) -> ServerStatus:
    found = running.get(server.name, server_processes.ServerProcesses())
    log = state / "logs" / f"{server.name}.log"
    if context is None or found.main is None:
        strays = f"{len(found.processes)} stray processes" if found.processes else ""
        return ServerStatus(server.name, "stopped", None, "", processes.memory_mb(found.processes), strays, log)
    missing = server.probe(context, 0.0)
    address = server.address(context)
    memory = processes.memory_mb(found.processes)
    return ServerStatus(server.name, "not answering" if missing else "running", found.main.pid, address, memory, missing, log)


def _existing_status(settings: Settings, state: Path, group: str) -> ServerStatus:
    missing = existing.probe(settings, group)
    address = existing.address(settings, group)
    return ServerStatus(group, "not answering" if missing else "existing", None, address, 0, missing, state / "logs" / f"{group}.log")
