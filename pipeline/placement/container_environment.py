"""The environment variables of a component's container: addresses, limits and keys.

A container inherits nothing, so every setting that a component reads is passed by name with this machine's value; settings that only the
orchestration side reads are not passed. Keys and passwords are separate: a launcher passes them where nothing shows them (a private
environment, a Secret of the cluster), and they are never part of a DAG or an XCom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from pipeline.local.command import ENVIRONMENT

if TYPE_CHECKING:
    from pipeline.settings import Settings

SCRATCH = "/scratch"
"""Writable folder of a container; apart from it and /tmp the file system is read-only."""

PASSED_SETTINGS = {
    "store": "TRAINSHED_STORE",
    "s3_region": "TRAINSHED_S3_REGION",
    "s3_retry_s": "TRAINSHED_S3_RETRY_S",
    "mlflow_retry_s": "TRAINSHED_MLFLOW_RETRY_S",
    "cache_limit_mb": "TRAINSHED_CACHE_LIMIT_MB",
    "lease_ttl_s": "TRAINSHED_LEASE_TTL_S",
    "watchdog_min": "TRAINSHED_WATCHDOG_MIN",
    "threads": "TRAINSHED_THREADS",
    "device": "TRAINSHED_DEVICE",
    "mlflow_username": "MLFLOW_TRACKING_USERNAME",
    "hub_endpoint": "HF_ENDPOINT",
}
"""Setting to variable, for settings that have the same value inside and outside of a container."""

KEYS = {
    "s3_access_key": "AWS_ACCESS_KEY_ID",
    "s3_secret_key": "AWS_SECRET_ACCESS_KEY",
    "s3_session_token": "AWS_SESSION_TOKEN",
    "mlflow_password": "MLFLOW_TRACKING_PASSWORD",
}
"""Setting to variable, for keys and passwords."""

SOURCE_KEYS = {"databases": "TRAINSHED_DATABASES", "hub_token": "HF_TOKEN"}
"""The same of a component that reads a source, and of no other."""

FIXED = {
    **ENVIRONMENT,
    "TRAINSHED_STATE": SCRATCH,
    # some libraries need a home folder or a folder for temporary files
    "HOME": SCRATCH,
    "TMPDIR": "/tmp",  # noqa: S108 - of the container, which nobody shares
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""Variables that are the same in every container."""


class Variables(NamedTuple):
    """The environment variables of a component's container, in two parts."""

    public: dict[str, str]
    """Addresses, limits, folders: a manifest may show them."""

    secret: dict[str, str]
    """Keys and passwords."""


def component_variables(settings: Settings, *, reads_source: bool = False) -> Variables:
    """The variables by which a component finds the store and MLflow from inside a container.

    Args:
        settings: of the orchestration side; addresses that differ inside a container have their own settings.
        reads_source: whether it reads a source, which may be a database.
    """
    public = {
        **FIXED,
        **_values(settings, PASSED_SETTINGS),
        "TRAINSHED_MLFLOW_URI": settings.container_mlflow_uri or settings.mlflow_uri,
    }
    endpoint = settings.container_s3_endpoint or settings.s3_endpoint
    if endpoint:
        public["TRAINSHED_S3_ENDPOINT"] = endpoint
    return Variables(public, _values(settings, KEYS | SOURCE_KEYS if reads_source else KEYS))


def _values(settings: Settings, names: dict[str, str]) -> dict[str, str]:
    values = ((variable, getattr(settings, field)) for field, variable in names.items())
    return {
        variable: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for variable, value in values
        if value is not None
    }
