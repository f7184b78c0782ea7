"""`trainshed up | down | status | logs`: the local stack.

While servers start, a terminal shows one line for each, with a spinner and seconds. A log or pipe gets a line for each change.
"""

from __future__ import annotations

import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import Interrupted, Unavailable, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from pipeline.settings import Settings
    from pipeline.stack.base import ServerProgress, ServerStatus

FOLLOW_PAUSE_S = 0.3


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("up")(start)
    app.command("down")(stop)
    app.command("status")(show)
    app.command("logs")(logs)


def start() -> None:
    """Start the local S3, MLflow and Airflow. Safe to re-run; restarts whatever has stopped."""
    from pipeline.cli.console import open_console
    from pipeline.settings import load_settings

    settings = load_settings()
    try:
        bring_up(settings)
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted; the started servers are stopped again", "", "run `trainshed up` again") from error
    open_console().print(log_ins(settings))


def stop() -> None:
    """Stop every process of the local stack. Data is kept."""
    from pipeline.launchers.base import end_steps_of
    from pipeline.settings import load_settings
    from pipeline.stack import stack

    settings = load_settings()
    count = stack.down(settings, _print_line, end_steps_of(settings))
    print(f"stopped {count} processes" if count else "nothing is running")


def show() -> None:
    """Show the state, processes, memory and addresses of the stack. Exit code 75 if a server is not ready."""
    from pipeline.cli.console import open_console
    from pipeline.launchers.base import servers_of
    from pipeline.settings import load_settings
    from pipeline.stack import stack

    settings, console = load_settings(), open_console()
    found = stack.status(settings, servers_of(settings))
    console.print(status_table(found, console))
    if any(one.state in {"stopped", "not answering"} for one in found):
        raise typer.Exit(Unavailable.exit_code)
    console.print(log_ins(settings))


def logs(
    server: Annotated[
        str, typer.Argument(help="A server of `trainshed status`, or a run; all servers by default.", metavar="SERVER|RUN")
    ] = "",
    step: Annotated[str, typer.Argument(help="Of a run: the step; all of them by default.", metavar="STEP")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option(help="Lines to start with.", min=0)] = 50,
) -> None:
    """Print the logs of the local servers, or of a run's steps."""
    from pipeline.settings import load_settings
    from pipeline.stack import SERVERS

    if server and server not in SERVERS:
        if get_close_matches(server, SERVERS, n=1, cutoff=0.8):
            raise unknown_name("server", server, SERVERS)  # a mistyped server, not a run
        from pipeline.cli.runs import print_logs

        print_logs(server, step)
        return
    folder = load_settings().state.resolve() / "logs"
    names = [server] if server else list(SERVERS)
    paths = {name: folder / f"{name}.log" for name in names if (folder / f"{name}.log").exists()}
    if not paths:
        raise Unavailable(f"no log of {server or 'any server'} in {folder}", "", "run `trainshed up`")
    for name, path in paths.items():
        prefix = "" if server else f"{name}: "
        for line in path.read_text(errors="replace").splitlines()[-lines:] if lines else []:
            print(f"{prefix}{line}")
    if follow:
        _follow(paths, prefixed=not server)


def bring_up(settings: Settings) -> list[ServerStatus]:
    """Start the stack and show its progress.

    Raises:
        BadInput: see `pipeline.stack.stack.up`.
        Unavailable: likewise.
    """
    from rich.console import Console
    from rich.live import Live

    from pipeline.launchers.base import servers_of
    from pipeline.stack import stack

    console, needed = Console(stderr=True), servers_of(settings)
    if not console.is_terminal:
        return stack.up(settings, _print_line, needed)
    board = Board()
    with Live(board, console=console, refresh_per_second=8):
        return stack.up(settings, board.note, needed)


class Board:
    """The servers and their states, drawn again at each refresh."""

    def __init__(self) -> None:
        """Start with an empty board."""
        from rich.spinner import Spinner

        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._states: dict[str, str] = {}
        self._spinner = Spinner("dots")

    def note(self, progress: ServerProgress) -> None:
        """Record one change that `up` reports."""
        now = time.monotonic()
        self._states[progress.server] = progress.state
        if progress.state == "starting":
            self._began[progress.server] = now
        elif progress.server in self._began:
            self._took.setdefault(progress.server, now - self._began[progress.server])

    def __rich__(self) -> Table:
        """Draw the board."""
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for server, state in self._states.items():
            began = self._began.get(server)
            seconds = self._took.get(server, time.monotonic() - began if began else 0.0)
            sign = "[green]✓[/]" if state == "running" else self._spinner if state == "starting" else "[dim]·[/]"
            table.add_row(sign, server, state, f"{seconds:.1f} s" if began else "")
        return table


def status_table(found: Sequence[ServerStatus], console: Console) -> Table:
    """Return the table that `trainshed status` prints."""
    from pipeline.cli.console import new_table

    table = new_table(console, "server", "state", "pid", "memory", "address", "", right=frozenset({"pid", "memory"}))
    for one in found:
        memory = f"{one.memory_mb} MB" if one.memory_mb else ""
        table.add_row(one.name, one.state, str(one.pid or ""), memory, one.address, one.detail)
    return table


def log_ins(settings: Settings) -> str:
    """Addresses and log-ins of the servers, without passwords."""
    from pipeline.settings import ENV_FILE, load_settings
    from pipeline.stack.airflow_config import PASSWORDS

    now = load_settings(settings.state)
    file = settings.state / ENV_FILE
    return (
        f"Airflow  {now.airflow_url} (user {now.airflow_username}; more users, for approvals: {settings.state / PASSWORDS})\n"
        f"MLflow   {now.mlflow_uri} (user {now.mlflow_username or 'none'})\n"
        f"Passwords and S3 keys are in {file}; `trainshed down` stops the stack."
    )


def _print_line(progress: ServerProgress) -> None:
    print(" ".join(filter(None, (progress.server, progress.state, progress.detail))), flush=True)


def _follow(paths: dict[str, Path], *, prefixed: bool) -> None:
    """Print new lines of the logs until Ctrl-C; a log that was rotated is followed from its start."""
    offsets = {name: path.stat().st_size for name, path in paths.items()}
    while True:
        for name, path in paths.items():
            size = path.stat().st_size if path.exists() else 0
            if size > offsets[name]:
                with path.open("rb") as file:
                    file.seek(offsets[name])
                    for line in file.read(size - offsets[name]).decode(errors="replace").splitlines():
                        print(f"{name}: {line}" if prefixed else line, flush=True)
            offsets[name] = size
        time.sleep(FOLLOW_PAUSE_S)
