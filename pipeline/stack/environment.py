"""Environment variables with the addresses and credentials of the stack.

The dotenv file ``<state>/env`` (mode 0600) holds those of the local servers. `load_settings` reads it, and a shell can too:
``set -a; . .trainshed/env``. Airflow's processes get the same variables, and the components they start inherit them.
Credentials are passed in the environment only, never in a request or a log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from pipeline.settings import ENV_FILE, PREFIX, Settings
from pipeline.stack.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.stack.base import StackContext

MLFLOW_USER = "trainshed"
AIRFLOW_USER = "admin"

AIRFLOW_USERS = {AIRFLOW_USER: "admin", "trainer": "user", "approver1": "user", "approver2": "user", "viewer": "viewer"}
"""Users of the local Airflow and their roles. A recipe can name the approvers; whoever starts a run does not count among them."""

QUIET: dict[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "PYTHONUNBUFFERED": "1",
}
"""No telemetry in any process of the stack, and log lines without buffering."""

FOREIGN = ("AIRFLOW", "_AIRFLOW", "MLFLOW_", "_MLFLOW", "AWS_", "WEED_")
"""Prefixes of variables that are not inherited from the caller's shell: ``AIRFLOW__CORE__EXECUTOR`` or ``AWS_PROFILE`` of another
installation would override any configuration file."""

CONNECTIONS = "AIRFLOW_CONN_"
"""Prefix of variables that hold an Airflow connection. They are inherited, because settings may name a connection."""

NOT_INHERITED_BY_NAME = frozenset({"state", "home", "use_existing", "s3_port", "mlflow_port", "airflow_port", "store"}) | {
    name
    for name in Settings.model_fields
    if name.startswith(("s3_", "mlflow_", "airflow_")) and not name.endswith(("_connection", "_retry_s"))
}
"""Settings that do not concern tasks, or that are among the addresses and keys."""


def interpreter() -> str:
    """Return the path of this Python under one fixed name.

    ``trainshed`` runs as ``python3``, ``python -m`` as ``python``; the name must not change a server's configuration digest.
    """
    named = Path(sys.executable).with_name(f"python{sys.version_info.major}.{sys.version_info.minor}")
    return str(named if named.exists() else sys.executable)


def addresses(context: StackContext) -> dict[str, str]:
    """Return the variables that a client of the local servers needs."""
    variables = {"TRAINSHED_STORE": context.settings.store}
    if "s3" in context.ports:
        variables["TRAINSHED_S3_ENDPOINT"] = context.url("s3")
        variables["AWS_ACCESS_KEY_ID"] = context.secrets.s3_access_key
        variables["AWS_SECRET_ACCESS_KEY"] = context.secrets.s3_secret_key
        # empty, so that a session token for AWS in the shell is not used with these keys
        variables["AWS_SESSION_TOKEN"] = ""
    if "mlflow" in context.ports:
        variables["TRAINSHED_MLFLOW_URI"] = context.url("mlflow")
        variables["MLFLOW_TRACKING_USERNAME"] = MLFLOW_USER
        variables["MLFLOW_TRACKING_PASSWORD"] = context.secrets.mlflow_password
    if "airflow" in context.ports:
        variables["TRAINSHED_AIRFLOW_URL"] = context.url("airflow")
        variables["TRAINSHED_AIRFLOW_USERNAME"] = AIRFLOW_USER
        variables["TRAINSHED_AIRFLOW_PASSWORD"] = context.secrets.airflow_password
    return variables


def write_env_file(context: StackContext) -> None:
    """Write ``<state>/env``. Values have single quotes, which dotenv and the shell read in the same way."""
    lines = [f"{name}='{value}'" for name, value in addresses(context).items()]
    write_private(context.state / ENV_FILE, "\n".join(["# Written by `trainshed up`: the servers of this folder.", *lines, ""]))


def for_components(context: StackContext) -> dict[str, str]:
    """Return the variables that components inherit from Airflow's processes: addresses and keys of every server, and the folders."""
    settings = context.settings
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
    # explicit, although they would be inherited: so they are part of the configuration digest, and `up` restarts the scheduler when one changes
    chosen = {name: getattr(settings, name) for name in sorted(settings.model_fields_set - NOT_INHERITED_BY_NAME)}
    slots = training_slots(settings)
    if slots:
        chosen["training_slots"] = slots
    return {
        **{PREFIX + name.upper(): _variable(value) for name, value in chosen.items() if value is not None},
        **{name: value for name, value in elsewhere.items() if value},
        **addresses(context),
        "TRAINSHED_STATE": str(context.state),
        "TRAINSHED_HOME": str(settings.home),
    }


def _variable(value: object) -> str:
    """The value of a setting as `load_settings` reads it from a variable."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, frozenset):
        value = tuple(sorted(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)


def training_slots(settings: Settings) -> int:
    """How many training steps run at the same time: the setting, else the number of GPUs; 0 for no limit."""
    if settings.training_slots is not None:
        return settings.training_slots
    return 0 if settings.device == "cpu" else len(list(Path("/dev").glob("nvidia[0-9]*")))


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the caller's variables without those in ``FOREIGN``, and with this interpreter first on PATH.

    Loopback addresses are in NO_PROXY: Airflow's tasks and MLflow's clients obey HTTP_PROXY, also for 127.0.0.1.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(FOREIGN) or name.startswith(CONNECTIONS)}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name, ""), "127.0.0.1", "localhost"]))
    return {**kept, **QUIET}
