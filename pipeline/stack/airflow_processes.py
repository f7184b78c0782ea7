"""Airflow's processes, one class each: migration of the database, API server, scheduler, DAG processor.

``airflow standalone`` is not used: it starts log servers that listen on all interfaces, and no setting prevents it. For the same
reason the scheduler gets ``--skip-serve-logs``; task logs are read through the API from the same disk. There is no triggerer:
only launchers whose pods run for days defer their tasks.

``SPT_NOENV=1``: Airflow's workers rename themselves with setproctitle, which overwrites the memory of a process's initial
environment, and so the mark by which `down` finds strays. This variable prevents that.
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipeline.stack.airflow_config import home, passwords_file, render_config, render_passwords
from pipeline.stack.base import HOST, LastingServer
from pipeline.stack.environment import AIRFLOW_USER, for_components, interpreter
from pipeline.stack.folder import write_private
from pipeline.stack.http import ask

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import StackContext


LOCAL_SETTINGS = """\
import sys

if "scheduler" in sys.argv or "dag-processor" in sys.argv:
    from pipeline.orchestration.preload import preload

    preload()
if "scheduler" in sys.argv:
    from pipeline.orchestration.sqlite_clock import use_precise_clock

    use_precise_clock()
"""
"""Airflow imports this file when it starts. Tasks are forked from the scheduler, and parses from the DAG processor: their imports are done once."""


class AirflowProcess(LastingServer):
    """What all Airflow processes have in common."""

    name: str
    group = "airflow"
    needs: tuple[str, ...] = ("airflow-database",)
    arguments: tuple[str, ...]

    def command(self, context: StackContext) -> list[str]:
        """Return the ``airflow`` command; ``-P`` keeps the working directory off the import path."""
        del context
        return [interpreter(), "-P", "-m", "airflow", *self.arguments]

    def environment(self, context: StackContext) -> dict[str, str]:
        """Return the variables of components, which inherit them from tasks, and the folder of the configuration."""
        return {**for_components(context), "AIRFLOW_HOME": str(home(context)), "SPT_NOENV": "1"}

    def files(self, context: StackContext) -> dict[Path, str]:
        """Return configuration, passwords, and the local settings that are imported before tasks and parses are forked."""
        return {
            home(context) / "airflow.cfg": render_config(context),
            passwords_file(context): render_passwords(context),
            home(context) / "config" / "airflow_local_settings.py": LOCAL_SETTINGS,
        }

    def address(self, context: StackContext) -> str:
        """Return nothing: only the API server listens."""
        del context
        return ""

    def probe(self, context: StackContext, since: float) -> str:
        """See the subclasses."""
        raise NotImplementedError


class Database(AirflowProcess):
    """The migration of Airflow's database: 4 s, once per version of Airflow."""

    name = "airflow-database"
    needs: tuple[str, ...] = ()
    lasting = False
    arguments = ("db", "migrate")

    def done(self, context: StackContext) -> bool:
        """Whether this version of Airflow has migrated this database file."""
        note = home(context) / "migrated"
        return note.exists() and note.read_text() == _database_note(context)

    def finish(self, context: StackContext) -> None:
        """Record the file and the version of Airflow."""
        write_private(home(context) / "migrated", _database_note(context))

    def probe(self, context: StackContext, since: float) -> str:
        """Ready means that it has ended."""
        del since
        return "" if self.done(context) else "migrating"


class Api(AirflowProcess):
    """The API server: web pages, REST API, and the execution API of tasks."""

    name = "airflow-api"

    def command(self, context: StackContext) -> list[str]:
        """Return the command with host and port."""
        return [*AirflowProcess.command(self, context), "api-server", "--host", HOST, "--port", str(context.ports["airflow"])]

    arguments = ()

    def address(self, context: StackContext) -> str:
        """Return its URL."""
        return context.url("airflow")

    def probe(self, context: StackContext, since: float) -> str:
        """Check the health of its database, and log in."""
        del since
        return probe_api(context.url("airflow"), AIRFLOW_USER, context.secrets.airflow_password)


class Scheduler(AirflowProcess):
    """The scheduler, with the workers of LocalExecutor."""

    name = "airflow-scheduler"
    arguments = ("scheduler", "--skip-serve-logs")

    def probe(self, context: StackContext, since: float) -> str:
        """Ask the API server for a heartbeat of this process."""
        return probe_heartbeat(context.url("airflow"), "scheduler", since)


class DagProcessor(AirflowProcess):
    """The DAG processor, which parses DAG files."""

    name = "airflow-dag-processor"
    arguments = ("dag-processor",)

    def probe(self, context: StackContext, since: float) -> str:
        """Ask the API server for a heartbeat of this process."""
        return probe_heartbeat(context.url("airflow"), "dag_processor", since)


def probe_api(url: str, username: str, password: str) -> str:
    """Return why the API server at ``url`` is not ready for this user, or an empty string."""
    health = ask(f"{url}/api/v2/monitor/health")
    if health.status != 200:
        return health.text if health.status == 0 else f"monitor/health answers {health.status}"
    database = health.json().get("metadatabase", {}).get("status")
    if database != "healthy":
        return f"its database is {database}"
    login = ask(f"{url}/auth/token", {"username": username, "password": password})
    return "" if login.status in {200, 201} else f"log-in of {username!r} answers {login.status}"


def probe_heartbeat(url: str, component: str, since: float) -> str:
    """Return why ``component`` is not healthy, or an empty string.

    Args:
        url: URL of the API server.
        component: ``scheduler``, ``dag_processor`` or ``triggerer``.
        since: seconds since the epoch; an older heartbeat is of an earlier process.
    """
    health = ask(f"{url}/api/v2/monitor/health")
    if health.status != 200:
        return "waiting for the API server"
    report: dict[str, Any] = health.json().get(component) or {}
    beat = report.get(f"latest_{component}_heartbeat")
    if not beat or datetime.fromisoformat(beat).timestamp() < since:
        return "no heartbeat yet"
    return "" if report.get("status") == "healthy" else f"last heartbeat {beat}"


def database_inode(context: StackContext) -> int:
    """Inode of the database file, 0 without one; a new file has another inode."""
    database = home(context) / "airflow.db"
    return database.stat().st_ino if database.exists() else 0


def _database_note(context: StackContext) -> str:
    """Version of Airflow and the database file."""
    return f"{version('apache-airflow')} {database_inode(context)}\n"
