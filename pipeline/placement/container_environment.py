"""The variables a component finds in its container: where things are, and by which keys.

A container inherits nothing, so every setting a component reads is handed over by name, as this machine's settings have it;
what only the orchestration side reads stays out. Keys and passwords are kept apart from the rest: a launcher passes them where
they are shown nowhere (a private environment, a secret of the cluster), and nothing here is ever part of a DAG or an XCom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from pipeline.local.command import ENVIRONMENT

if TYPE_CHECKING:
    from pipeline.settings import Settings

SCRATCH = "/scratch"
"""Folder of a container that may be written to; everything else of its file system is read-only."""

HANDED_OVER = {
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
}
"""Setting to variable, for what means the same inside and outside."""

KEYS = {
    "s3_access_key": "AWS_ACCESS_KEY_ID",
    "s3_secret_key": "AWS_SECRET_ACCESS_KEY",
    "s3_session_token": "AWS_SESSION_TOKEN",
    "mlflow_password": "MLFLOW_TRACKING_PASSWORD",
}
"""Setting to variable, for what nobody may see."""

FIXED = {
    **ENVIRONMENT,
    "TRAINSHED_STATE": SCRATCH,
    # libraries that insist on a home or a place for temporary files find one
    "HOME": SCRATCH,
    "TMPDIR": "/tmp",  # noqa: S108 - of the container, which nobody shares
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""Variables that are the same in every container."""


class Variables(NamedTuple):
    """The environment of a component's container, in two parts."""

    public: dict[str, str]
    """Addresses, limits, folders: what a rendered manifest may show."""

    secret: dict[str, str]
    """Keys and passwords."""


def component_variables(settings: Settings) -> Variables:
    """What a component needs to find the store and MLflow from inside a container.

    Args:
        settings: of the orchestration side; addresses that differ inside a container are settings of their own.
    """
    public = {
        **FIXED,
        **_told(settings, HANDED_OVER),
        "TRAINSHED_MLFLOW_URI": settings.container_mlflow_uri or settings.mlflow_uri,
    }
    endpoint = settings.container_s3_endpoint or settings.s3_endpoint
    if endpoint:
        public["TRAINSHED_S3_ENDPOINT"] = endpoint
    return Variables(public, _told(settings, KEYS))


def _told(settings: Settings, names: dict[str, str]) -> dict[str, str]:
    values = ((variable, getattr(settings, field)) for field, variable in names.items())
    return {
        variable: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for variable, value in values
        if value is not None
    }
