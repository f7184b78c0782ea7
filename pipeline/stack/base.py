"""What a server of the stack must say about itself, and what all of them may rely on.

A server is described, not run, by its class: a command, an environment, files to write before the start, and a probe.
Starting, watching and stopping are the same for every server and live in ``starting.py`` and ``stopping.py``, so a new
server is one file and one line of the table.
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
class Site:
    """What every server needs to know: the folder, the ports, the secrets, the settings."""

    state: Path
    """Folder of all state, absolute."""

    settings: Settings
    """The settings `trainshed up` was called with."""

    ports: Mapping[str, int]
    """Chosen ports by name; a server that exists elsewhere has none."""

    secrets: Secrets
    """Passwords and keys generated for this folder."""

    def log_file(self, server: str) -> Path:
        """Where a server's standard output and error go."""
        return self.state / "logs" / f"{server}.log"

    def url(self, port: str) -> str:
        """Address of a local port by its name."""
        return f"http://{HOST}:{self.ports[port]}"


class Server(Protocol):
    """One process of the stack."""

    name: str
    """Name in the table, in `trainshed status` and of the log file."""

    group: str
    """What `use_existing` calls it: ``s3``, ``mlflow`` or ``airflow``."""

    needs: tuple[str, ...]
    """Servers that must be ready before this one starts."""

    lasting: bool
    """False for a command that ends by itself with exit code 0, such as a migration."""

    def done(self, site: Site) -> bool:
        """Tell whether a command that ends has nothing left to do. Always False for a lasting server."""
        ...

    def finish(self, site: Site) -> None:
        """Note that a command that ends has ended well."""
        ...

    def command(self, site: Site) -> list[str]:
        """Return the command line."""
        ...

    def environment(self, site: Site) -> dict[str, str]:
        """Return the variables it needs beyond the inherited ones."""
        ...

    def files(self, site: Site) -> dict[Path, str]:
        """Return files to write, mode 0600, before it starts."""
        ...

    def address(self, site: Site) -> str:
        """Return its URL, or an empty string when it listens nowhere."""
        ...

    def probe(self, site: Site, since: float) -> str:
        """Ask whether it serves.

        Args:
            site: where it runs.
            since: when its process started, in seconds since the epoch; older signs of life do not count.

        Returns:
            An empty string when it serves, else what is missing, in a few words.
        """
        ...


@dataclass(frozen=True)
class ServerStatus:
    """One line of `trainshed status`."""

    name: str
    state: State
    pid: int | None
    address: str
    memory_mb: int
    """Memory of the process and its descendants, in megabytes; a page several of them share counts once."""

    detail: str
    """What is missing, when it is not running."""

    log: Path


@dataclass(frozen=True)
class ServerProgress:
    """What `up` reports while it works."""

    server: str
    state: State
    detail: str = ""


OnProgress = Callable[[ServerProgress], None]


def quiet(_: ServerProgress) -> None:
    """Report nothing."""
