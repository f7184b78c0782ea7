"""Airflow's configuration for a laptop, rendered as ``<state>/airflow/airflow.cfg`` (mode 0600: it holds keys).

A file rather than forty ``AIRFLOW__…`` variables: the keys stay out of the environment that tasks and components inherit, and
``AIRFLOW_HOME=.trainshed/airflow airflow …`` works in any shell. The values that differ from Airflow's defaults each have
their reason here; everything listens on 127.0.0.1 (``airflow_processes.py`` says how the log servers are kept shut).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.stack.base import HOST
from pipeline.stack.environment import AIRFLOW_USER

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import Site

PARALLELISM = 4
"""LocalExecutor forks this many workers at once; its 32 by default cost memory that a training step needs."""

SCHEDULER_IDLE_SLEEP_S = 0.2
"""Pause of the scheduler after a loop that found nothing to do; a chain of tasks meets it about twice a task.

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

The rest of a chain is the tasks themselves, 0.2-0.4 s each, so less than 0.2 s buys little and takes the cores from training.
"""


def home(site: Site) -> Path:
    """Return AIRFLOW_HOME."""
    return site.state / "airflow"


def passwords_file(site: Site) -> Path:
    """Return the file the simple auth manager reads passwords from."""
    return home(site) / "passwords.json"


def render_passwords(site: Site) -> str:
    """Return the content of the passwords file."""
    return json.dumps({AIRFLOW_USER: site.secrets.airflow_password}) + "\n"


def render_config(site: Site) -> str:
    """Return ``airflow.cfg``. A per cent sign is doubled, as Airflow's parser interpolates."""
    lines = ["# Written by `trainshed up`; changes are lost at the next start.\n"]
    for section, options in sections(site).items():
        lines.append(f"[{section}]\n")
        lines += [f"{name} = {str(value).replace('%', '%%')}\n" for name, value in options.items()]
        lines.append("\n")
    return "".join(lines)


def sections(site: Site) -> dict[str, dict[str, object]]:
    """Return what differs from Airflow's defaults, by section."""
    return {
        "core": _core(site),
        "database": {"sql_alchemy_conn": f"sqlite:///{home(site) / 'airflow.db'}"},
        "scheduler": _scheduler(),
        "dag_processor": _dag_processor(site),
        "api": {
            "host": HOST,
            "port": site.ports["airflow"],
            "base_url": site.url("airflow"),
            "workers": 1,
            "secret_key": site.secrets.airflow_session_key,
            "instance_name": "Trainshed",
            "expose_config": False,
        },
        "api_auth": {"jwt_secret": site.secrets.airflow_jwt_key, "jwt_issuer": "trainshed"},
        "workers": _workers(),
        "logging": _logging(site),
    }


def _core(site: Site) -> dict[str, object]:
    return {
        "dags_folder": site.settings.dags_folder.resolve(),
        "plugins_folder": home(site) / "plugins",
        "executor": "LocalExecutor",
        "parallelism": PARALLELISM,
        "load_examples": False,
        # A recipe file is switched on by being there; with catch-up off nothing runs before its next date.
        "dags_are_paused_at_creation": False,
        "execution_api_server_url": f"{site.url('airflow')}/execution/",
        "simple_auth_manager_users": f"{AIRFLOW_USER}:admin",
        "simple_auth_manager_passwords_file": passwords_file(site),
        "fernet_key": site.secrets.airflow_fernet_key,
        # The default asks DNS for the machine's full name, which takes seconds where there is none.
        "hostname_callable": "socket.gethostname",
        # A parse has time below; the import is part of it, and has 30 s by default.
        "dagbag_import_timeout": 240.0,
        # A recipe handed to the running stack shows at the next parse instead of up to 30 s later.
        "min_serialized_dag_update_interval": 1,
    }


def _scheduler() -> dict[str, object]:
    return {
        "scheduler_idle_sleep_time": SCHEDULER_IDLE_SLEEP_S,
        "catchup_by_default": False,
        "enable_health_check": False,  # its server would be one more port
        # After kill -9 a scheduler counts as alive for 30 s, and what it ran is taken up at the next check after that: up to
        # 15 s later instead of 300. Half of the 30 is not enough: on two cores at work a scheduler that lives was late by more, took
        # itself for dead, and gave its own tasks to new attempts.
        "scheduler_heartbeat_sec": 3,
        "job_heartbeat_sec": 3,
        "orphaned_tasks_check_interval": 15,
    }


def _dag_processor(site: Site) -> dict[str, object]:
    return {
        "refresh_interval": 10,
        "bundle_refresh_check_interval": 2,
        # One parse of the line's DAG file costs about half a second of one core, and a twentieth more for each recipe.
        "min_file_process_interval": 15,
        # Beside trainings a parse of twenty recipes took longer than the 50 s after which it is given up by default, again and again.
        "dag_file_processor_timeout": 300,
        "parsing_processes": 1,
        "health_check_threshold": 30,
        "disable_bundle_versioning": True,
        "dag_bundle_storage_path": home(site) / "bundles",  # the default is a folder of the shared /tmp
        "stale_bundle_cleanup_interval": 0,
    }


def _workers() -> dict[str, object]:
    return {
        # A worker ends its task after this many heartbeats without an answer, 5 s apart. Three, the default, is less
        # than it takes a person to restart a killed API server; 50 stays below the 300 s after which the scheduler
        # gives the task up.
        "max_failed_heartbeats": 50,
        "execution_api_retries": 8,
        # Five seconds, the default, pass on two cores that train; a request that was answered too late is sent again
        # and refused as a duplicate, which fails the task.
        "execution_api_timeout": 30,
    }


def _logging(site: Site) -> dict[str, object]:
    return {
        "base_log_folder": home(site) / "logs",
        "dag_processor_child_process_log_directory": home(site) / "logs" / "dag_processor",
        "colored_console_log": False,
        "file_task_handler_new_folder_permissions": "0o700",
        "file_task_handler_new_file_permissions": "0o600",
    }
