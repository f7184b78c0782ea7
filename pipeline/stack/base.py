"""The interface of a server of the stack, and the context that all servers share.

The class of a server describes it: command, environment, files to write before the start, probe. `startup.py` and
`shutdown.py` start and stop every server the same way, so a new server is one file and one line of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.stack.secrets import Secrets

HOST = "127.0.0.1"

State = Literal["waiting", "starting", "running", "not answering", "stopped", "existing"]


@dataclass(frozen=True)
class StackContext:
    """What every server needs: folder, ports, secrets, settings."""

    state: Path
    """Absolute path of the state folder."""

    settings: Settings
    """The settings of `trainshed up`."""

    ports: Mapping[str, int]
    """Chosen ports by name; an existing server has none."""

    secrets: Secrets
    """Passwords and keys generated for this folder."""

    def log_file(self, server: str) -> Path:
        """Log file with the standard output and error of a server."""
        return self.state / "logs" / f"{server}.log"

    def url(self, port: str) -> str:
        """URL of a local port by its name."""
        return f"http://{HOST}:{self.ports[port]}"


class Server(Protocol):
    """One process of the stack."""

    name: str
    """Name in the table, in `trainshed status` and in the name of the log file."""

    group: str
    """Its name in ``use_existing``: ``s3``, ``mlflow`` or ``airflow``. A launcher may need another group; see `pipeline.stack.stack.up`."""

    needs: tuple[str, ...]
    """Servers that are ready before this one starts."""

    lasting: bool
    """False for a command that exits by itself, such as a database migration."""

    def done(self, context: StackContext) -> bool:
        """Whether a command that exits by itself has nothing to do. Always False for a lasting server."""
        ...

    def finish(self, context: StackContext) -> None:
        """Record that a command that exits by itself ended with exit code 0."""
        ...

    def command(self, context: StackContext) -> list[str]:
        """Return the command line."""
        ...

    def environment(self, context: StackContext) -> dict[str, str]:
        """Return its environment variables beyond the inherited ones."""
        ...

    def files(self, context: StackContext) -> dict[Path, str]:
        """Return the files to write before it starts, with mode 0600."""
        ...

    def address(self, context: StackContext) -> str:
        """Return its URL, or an empty string if it does not listen."""
        ...

    def probe(self, context: StackContext, since: float) -> str:
        """Check whether it is ready.

        Args:
            context: folder, ports, secrets and settings.
            since: start time of its process, in seconds since the epoch; an older heartbeat does not count.

        Returns:
            An empty string if it is ready, else what is missing, in a few words.
        """
        ...


class LastingServer:
    """What servers have in common that do not exit by themselves."""

    lasting = True

    def done(self, context: StackContext) -> bool:
        """It always has something to do."""
        del context
        return False

    def finish(self, context: StackContext) -> None:
        """There is nothing to record."""


@dataclass(frozen=True)
class ServerStatus:
    """One line of `trainshed status`."""

    name: str
    state: State
    pid: int | None
    address: str
    memory_mb: int
    """Memory of the process and its descendants, in megabytes; a shared page counts once."""

    detail: str
    """What is missing, if it is not running."""

    log: Path


@dataclass(frozen=True)
class ServerProgress:
    """One change that `up` or `down` reports."""

    server: str
    state: State
    detail: str = ""


OnProgress = Callable[[ServerProgress], None]


def ignore_progress(_: ServerProgress) -> None:
    """Report no progress."""
