"""Airflow's processes, one by one: the database's migration, API server, scheduler, DAG processor.

Never ``airflow standalone``: the log servers it starts listen on all interfaces, with no setting against it. The scheduler
gets ``--skip-serve-logs`` for the same reason; task logs are read through the API from the one disk. There is no triggerer:
tasks are told to leave their workers only where pods run for days.

``SPT_NOENV=1``: Airflow's workers rename themselves with setproctitle, which overwrites the memory where the kernel keeps a
process's first environment, and with it the mark by which `down` finds strays; this variable keeps it off that memory.
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipeline.stack.airflow_config import home, passwords_file, render_config, render_passwords
from pipeline.stack.base import HOST
from pipeline.stack.environment import AIRFLOW_USER, for_components, interpreter
from pipeline.stack.folder import write_private
from pipeline.stack.http import ask

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import Site


LOCAL_SETTINGS = """\
import sys

if "scheduler" in sys.argv:
    from pipeline.orchestration.preload import preload

    preload()
"""
"""Airflow imports this at start: tasks are forked from the scheduler and find their imports done."""


class AirflowProcess:
    """What Airflow's processes have in common."""

    name: str
    group = "airflow"
    needs: tuple[str, ...] = ("airflow-database",)
    lasting = True
    arguments: tuple[str, ...]

    def done(self, site: Site) -> bool:
        """A lasting process is never done."""
        del site
        return False

    def finish(self, site: Site) -> None:
        """Nothing to note for a lasting process."""

    def command(self, site: Site) -> list[str]:
        """Return the `airflow` command; ``-P`` keeps the working directory off the import path."""
        del site
        return [interpreter(), "-P", "-m", "airflow", *self.arguments]

    def environment(self, site: Site) -> dict[str, str]:
        """Return what components need, which tasks hand down, and where the configuration lies."""
        return {**for_components(site), "AIRFLOW_HOME": str(home(site)), "SPT_NOENV": "1"}

    def files(self, site: Site) -> dict[Path, str]:
        """Return configuration, passwords, and what the scheduler imports before it forks."""
        return {
            home(site) / "airflow.cfg": render_config(site),
            passwords_file(site): render_passwords(site),
            home(site) / "config" / "airflow_local_settings.py": LOCAL_SETTINGS,
        }

    def address(self, site: Site) -> str:
        """Only the API server listens."""
        del site
        return ""

    def probe(self, site: Site, since: float) -> str:
        """See the subclasses."""
        raise NotImplementedError


class Database(AirflowProcess):
    """The migration of Airflow's database: once a version of Airflow, 4 s."""

    name = "airflow-database"
    needs: tuple[str, ...] = ()
    lasting = False
    arguments = ("db", "migrate")

    def done(self, site: Site) -> bool:
        """Tell whether this very file was migrated by this version of Airflow."""
        note = home(site) / "migrated"
        return note.exists() and note.read_text() == _database_note(site)

    def finish(self, site: Site) -> None:
        """Note which file was migrated, and by what."""
        write_private(home(site) / "migrated", _database_note(site))

    def probe(self, site: Site, since: float) -> str:
        """It is ready when it has ended."""
        del since
        return "" if self.done(site) else "migrating"


class Api(AirflowProcess):
    """The API server: REST for people and the command line, the execution API for tasks, and the pages."""

    name = "airflow-api"

    def command(self, site: Site) -> list[str]:
        """Return the server's command with its address."""
        return [*AirflowProcess.command(self, site), "api-server", "--host", HOST, "--port", str(site.ports["airflow"])]

    arguments = ()

    def address(self, site: Site) -> str:
        """Return its URL."""
        return site.url("airflow")

    def probe(self, site: Site, since: float) -> str:
        """Ask for its database's health and for a log-in."""
        del since
        return probe_api(site.url("airflow"), AIRFLOW_USER, site.secrets.airflow_password)


class Scheduler(AirflowProcess):
    """The scheduler, with LocalExecutor's workers."""

    name = "airflow-scheduler"
    arguments = ("scheduler", "--skip-serve-logs")

    def probe(self, site: Site, since: float) -> str:
        """Ask the API server for a heartbeat of this very process."""
        return probe_heartbeat(site.url("airflow"), "scheduler", since)


class DagProcessor(AirflowProcess):
    """The process that reads DAG files."""

    name = "airflow-dag-processor"
    arguments = ("dag-processor",)

    def probe(self, site: Site, since: float) -> str:
        """Ask the API server for a heartbeat of this very process."""
        return probe_heartbeat(site.url("airflow"), "dag_processor", since)


def probe_api(url: str, username: str, password: str) -> str:
    """Return what keeps the API server at ``url`` from serving this user, or an empty string."""
    health = ask(f"{url}/api/v2/monitor/health")
    if health.status != 200:
        return health.text if health.status == 0 else f"monitor/health answers {health.status}"
    database = health.json().get("metadatabase", {}).get("status")
    if database != "healthy":
        return f"its database is {database}"
    login = ask(f"{url}/auth/token", {"username": username, "password": password})
    return "" if login.status in {200, 201} else f"log-in of {username!r} answers {login.status}"


def probe_heartbeat(url: str, component: str, since: float) -> str:
    """Return why ``component`` does not count as alive, or an empty string.

    Args:
        url: of the API server.
        component: ``scheduler``, ``dag_processor`` or ``triggerer``.
        since: seconds since the epoch; an older heartbeat is a predecessor's.
    """
    health = ask(f"{url}/api/v2/monitor/health")
    if health.status != 200:
        return "waits for the API server to say"
    report: dict[str, Any] = health.json().get(component) or {}
    beat = report.get(f"latest_{component}_heartbeat")
    if not beat or datetime.fromisoformat(beat).timestamp() < since:
        return "no heartbeat yet"
    return "" if report.get("status") == "healthy" else f"last heartbeat {beat}"


def _database_note(site: Site) -> str:
    """Name Airflow's version and the file: a database that was deleted and made anew has another inode."""
    database = home(site) / "airflow.db"
    inode = database.stat().st_ino if database.exists() else 0
    return f"{version('apache-airflow')} {inode}\n"
