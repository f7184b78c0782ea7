"""The variables that tell every process and every shell where the stack is.

``<state>/env`` (mode 0600, dotenv) holds the addresses and credentials of the servers started here; `load_settings` reads
it, and so does a shell with ``set -a; . .trainshed/env``. Airflow's processes get the same and hand it down to the
components they launch: credentials travel in the environment only, never in a request or a log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.settings import ENV_FILE, PREFIX, Settings
from pipeline.stack.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.stack.base import Site

MLFLOW_USER = "trainshed"
AIRFLOW_USER = "admin"

QUIET: dict[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "PYTHONUNBUFFERED": "1",
}
"""Usage reports off in everything started here; logs written as they happen."""

FOREIGN = ("AIRFLOW", "_AIRFLOW", "MLFLOW_", "_MLFLOW", "AWS_")
"""Prefixes of variables of the caller's shell that would bend a server of ours: an `AIRFLOW__CORE__EXECUTOR` or
`AWS_PROFILE` meant for another installation outranks any configuration file."""

CONNECTIONS = "AIRFLOW_CONN_"
"""Prefix of variables of Airflow's that hold a connection: they bend no server, and settings may name them."""

TOLD_OTHERWISE = frozenset({"state", "home", "use_existing", "s3_port", "mlflow_port", "airflow_port", "store"}) | {
    name
    for name in Settings.model_fields
    if name.startswith(("s3_", "mlflow_", "airflow_")) and not name.endswith(("_connection", "_retry_s"))
}
"""Settings that are no choice about tasks, or that stand among the addresses and keys."""


def interpreter() -> str:
    """Return our Python under one name, whichever of its names it was called by.

    `trainshed` runs as ``python3``, ``python -m`` as ``python``: a server must not look out of date for that.
    """
    named = Path(sys.executable).with_name(f"python{sys.version_info.major}.{sys.version_info.minor}")
    return str(named if named.exists() else sys.executable)


def addresses(site: Site) -> dict[str, str]:
    """Return what a client needs to reach the servers started here."""
    variables = {"TRAINSHED_STORE": site.settings.store}
    if "s3" in site.ports:
        variables["TRAINSHED_S3_ENDPOINT"] = site.url("s3")
        variables["AWS_ACCESS_KEY_ID"] = site.secrets.s3_access_key
        variables["AWS_SECRET_ACCESS_KEY"] = site.secrets.s3_secret_key
        # empty, so that the token a shell carries for AWS itself is not taken for one of these keys
        variables["AWS_SESSION_TOKEN"] = ""
    if "mlflow" in site.ports:
        variables["TRAINSHED_MLFLOW_URI"] = site.url("mlflow")
        variables["MLFLOW_TRACKING_USERNAME"] = MLFLOW_USER
        variables["MLFLOW_TRACKING_PASSWORD"] = site.secrets.mlflow_password
    if "airflow" in site.ports:
        variables["TRAINSHED_AIRFLOW_URL"] = site.url("airflow")
        variables["TRAINSHED_AIRFLOW_USERNAME"] = AIRFLOW_USER
        variables["TRAINSHED_AIRFLOW_PASSWORD"] = site.secrets.airflow_password
    return variables


def write_env_file(site: Site) -> None:
    """Write ``<state>/env``. Values are single-quoted, which dotenv and the shell read alike."""
    lines = [f"{name}='{value}'" for name, value in addresses(site).items()]
    write_private(site.state / ENV_FILE, "\n".join(["# Written by `trainshed up`: the servers of this folder.", *lines, ""]))


def for_components(site: Site) -> dict[str, str]:
    """Return what Airflow's processes hand down to components: every server, started here or not, and the folders."""
    settings = site.settings
    elsewhere = {
        "TRAINSHED_S3_ENDPOINT": settings.s3_endpoint,
        "TRAINSHED_S3_REGION": settings.s3_region,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key and settings.s3_access_key.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key and settings.s3_secret_key.get_secret_value(),
        "AWS_SESSION_TOKEN": settings.s3_session_token and settings.s3_session_token.get_secret_value(),
        "TRAINSHED_MLFLOW_URI": settings.mlflow_uri,
        "MLFLOW_TRACKING_USERNAME": settings.mlflow_username,
        "MLFLOW_TRACKING_PASSWORD": settings.mlflow_password and settings.mlflow_password.get_secret_value(),
    }
    # by name, though they would be inherited: `up` sees by them that a scheduler runs with other settings than it would have now
    chosen = {name: getattr(settings, name) for name in sorted(settings.model_fields_set - TOLD_OTHERWISE)}
    return {
        **{PREFIX + name.upper(): str(value) for name, value in chosen.items() if value is not None},
        **{name: value for name, value in elsewhere.items() if value},
        **addresses(site),
        "TRAINSHED_STATE": str(site.state),
        "TRAINSHED_HOME": str(settings.home),
    }


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the caller's variables without those that would bend a server, with our interpreter first on PATH.

    Loopback is kept off any proxy: Airflow's tasks and MLflow's clients honour HTTP_PROXY and would send it requests for
    127.0.0.1.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(FOREIGN) or name.startswith(CONNECTIONS)}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name, ""), "127.0.0.1", "localhost"]))
    return {**kept, **QUIET}
