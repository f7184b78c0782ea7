"""The local Airflow configuration, rendered as ``<state>/airflow/airflow.cfg`` (mode 0600: it holds keys).

It is a file rather than forty ``AIRFLOW__…`` variables: tasks and components do not inherit the keys, and
``AIRFLOW_HOME=.trainshed/airflow airflow …`` works in any shell. A comment explains each value that differs from Airflow's
default. Everything listens on 127.0.0.1; `airflow_processes.py` explains how the log servers are switched off.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.stack.base import HOST
from pipeline.stack.environment import AIRFLOW_USER, AIRFLOW_USERS
from pipeline.stack.secrets import user_password

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import StackContext

PARALLELISM = 4
"""LocalExecutor forks this many workers at once. Its default, 32, costs memory that a training step needs."""

SCHEDULER_IDLE_SLEEP_S = 0.2
"""Pause of the scheduler after a loop that found nothing to do; a chain of tasks waits for it about twice per task.

Six chained ``@task`` functions that return None, trigger to success, SQLite, warm, two cores busy with other work, median
of 7, and what the idle scheduler costs of one core meanwhile:

======  ======  =====
pause   chain   idle
======  ======  =====
1 s     10.2 s  3 %     (Airflow's default)
0.25 s  4.7 s   6 %
0.1 s   4.3 s   14 %
0.05 s  4.1 s   20 %
======  ======  =====

The tasks themselves take 0.2-0.4 s each, so a pause below 0.2 s saves little and takes the cores from training.
"""


PASSWORDS = "airflow/passwords.json"
"""The file of Airflow's passwords, below the state folder."""


def home(context: StackContext) -> Path:
    """Return AIRFLOW_HOME."""
    return context.state / "airflow"


def passwords_file(context: StackContext) -> Path:
    """Return the file the simple auth manager reads passwords from."""
    return context.state / PASSWORDS


def render_passwords(context: StackContext) -> str:
    """Return the content of the passwords file, from which `trainshed approve --as` reads too."""
    passwords = {user: user_password(context.secrets, user) for user in AIRFLOW_USERS}
    return json.dumps({**passwords, AIRFLOW_USER: context.secrets.airflow_password}, indent=1) + "\n"


def render_config(context: StackContext) -> str:
    """Return ``airflow.cfg``. A per cent sign is doubled, because Airflow's parser interpolates."""
    lines = ["# Written by `trainshed up`; changes are lost at the next start.\n"]
    for section, options in sections(context).items():
        lines.append(f"[{section}]\n")
        lines += [f"{name} = {str(value).replace('%', '%%')}\n" for name, value in options.items()]
        lines.append("\n")
    return "".join(lines)


def sections(context: StackContext) -> dict[str, dict[str, object]]:
    """Return what differs from Airflow's defaults, by section."""
    return {
        "core": _core(context),
        "database": {"sql_alchemy_conn": f"sqlite:///{home(context) / 'airflow.db'}"},
        "scheduler": _scheduler(),
        "dag_processor": _dag_processor(context),
        "api": {
            "host": HOST,
            "port": context.ports["airflow"],
            "base_url": context.url("airflow"),
            "workers": 1,
            "secret_key": context.secrets.airflow_session_key,
            "instance_name": "Trainshed",
            "expose_config": False,
        },
        "api_auth": {"jwt_secret": context.secrets.airflow_jwt_key, "jwt_issuer": "trainshed"},
        "workers": _workers(),
        "logging": _logging(context),
    }


def _core(context: StackContext) -> dict[str, object]:
    return {
        "dags_folder": context.settings.dags_folder.resolve(),
        "plugins_folder": home(context) / "plugins",
        "executor": "LocalExecutor",
        "parallelism": PARALLELISM,
        "load_examples": False,
        # A new recipe is active at once; with catch-up off nothing runs before its next date.
        "dags_are_paused_at_creation": False,
        "execution_api_server_url": f"{context.url('airflow')}/execution/",
        "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in AIRFLOW_USERS.items()),
        "simple_auth_manager_passwords_file": passwords_file(context),
        "fernet_key": context.secrets.airflow_fernet_key,
        # The default asks DNS for the full host name, which takes seconds without a DNS server.
        "hostname_callable": "socket.gethostname",
        # The import is part of a parse, whose timeout is below; its own default is 30 s.
        "dagbag_import_timeout": 240.0,
        # A submitted recipe appears at the next parse instead of up to 30 s later.
        "min_serialized_dag_update_interval": 1,
    }


def _scheduler() -> dict[str, object]:
    return {
        "scheduler_idle_sleep_time": SCHEDULER_IDLE_SLEEP_S,
        "catchup_by_default": False,
        "enable_health_check": False,  # its server would be one more port
        # After kill -9 a scheduler counts as alive for 30 s, and its tasks are adopted at the next check after that: up to
        # 15 s later instead of 300. A limit of 15 s is too short: on two busy cores a running scheduler's heartbeat was
        # later than that; the scheduler counted as dead, and its tasks were retried.
        "scheduler_heartbeat_sec": 3,
        "job_heartbeat_sec": 3,
        "orphaned_tasks_check_interval": 15,
    }


def _dag_processor(context: StackContext) -> dict[str, object]:
    return {
        "refresh_interval": 10,
        "bundle_refresh_check_interval": 2,
        # One parse of the DAG file costs about 0.5 s of one core, and 0.05 s more for each recipe.
        "min_file_process_interval": 15,
        # Beside running trainings, a parse of twenty recipes takes longer than the default timeout of 50 s.
        "dag_file_processor_timeout": 300,
        "parsing_processes": 1,
        "health_check_threshold": 30,
        "disable_bundle_versioning": True,
        "dag_bundle_storage_path": home(context) / "bundles",  # the default is a folder of the shared /tmp
        "stale_bundle_cleanup_interval": 0,
    }


def _workers() -> dict[str, object]:
    return {
        # With the default, 5, a task keeps its slot for up to five seconds after its end, and an approval that is answered
        # within that time can be lost.
        "min_heartbeat_interval": 1,
        # A worker ends its task after this many failed heartbeats, 5 s apart. The default, 3, is less time than a person
        # needs to restart a killed API server; 50 is below the 300 s after which the scheduler fails the task.
        "max_failed_heartbeats": 50,
        "execution_api_retries": 8,
        # During training on two cores an answer takes longer than the default of 5 s; the request is then sent again
        # and refused as a duplicate, which fails the task.
        "execution_api_timeout": 30,
    }


def _logging(context: StackContext) -> dict[str, object]:
    return {
        "base_log_folder": home(context) / "logs",
        "dag_processor_child_process_log_directory": home(context) / "logs" / "dag_processor",
        "colored_console_log": False,
        "file_task_handler_new_folder_permissions": "0o700",
        "file_task_handler_new_file_permissions": "0o600",
    }
