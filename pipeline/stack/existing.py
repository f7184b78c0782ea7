"""Existing servers: probed in the same way as the local ones, but not started.

A team that already has S3, MLflow or Airflow lists it in ``use_existing`` and sets its address. If a probe fails, the error
names the setting to correct.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable
from pipeline.stack.airflow_processes import probe_api, probe_heartbeat
from pipeline.stack.mlflow import probe_mlflow
from pipeline.stack.s3 import put_probe, store_bucket

if TYPE_CHECKING:
    from pipeline.settings import Settings

GROUPS = ("s3", "mlflow", "airflow")


def check_names(settings: Settings) -> None:
    """Check the names in ``use_existing``.

    Raises:
        BadInput: it has an unknown name.
    """
    unknown = sorted(settings.use_existing.difference(GROUPS))
    if unknown:
        raise BadInput(
            f"setting TRAINSHED_USE_EXISTING names {', '.join(unknown)}", f"any of {', '.join(GROUPS)}", "correct TRAINSHED_USE_EXISTING"
        )


def address(settings: Settings, group: str) -> str:
    """Return the address of an existing server."""
    return {"s3": settings.s3_endpoint or "AWS", "mlflow": settings.mlflow_uri, "airflow": settings.airflow_url}[group]


def probe(settings: Settings, group: str) -> str:
    """Return why an existing server is not ready, or an empty string."""
    if group == "s3":
        bucket = store_bucket(settings)
        return put_probe(settings.s3_endpoint, bucket, settings.s3_region, settings.s3_keys) if bucket else ""
    if group == "mlflow":
        password = settings.mlflow_password
        login = (settings.mlflow_username, password.get_secret_value()) if settings.mlflow_username and password else None
        return probe_mlflow(settings.mlflow_uri.rstrip("/"), login)
    url = settings.airflow_url.rstrip("/")
    password = settings.airflow_password
    missing = probe_api(url, settings.airflow_username, password.get_secret_value() if password else "")
    return missing or probe_heartbeat(url, "scheduler", 0.0)


def check_all(settings: Settings) -> None:
    """Probe every existing server.

    Raises:
        Unavailable: one is not ready.
    """
    variables = {
        "s3": "TRAINSHED_S3_ENDPOINT, TRAINSHED_STORE and AWS_*",
        "mlflow": "TRAINSHED_MLFLOW_URI and MLFLOW_TRACKING_*",
        "airflow": "TRAINSHED_AIRFLOW_*",
    }
    for group in sorted(settings.use_existing):
        missing = probe(settings, group)
        if missing:
            raise Unavailable(
                f"existing {group} at {address(settings, group)} is not ready ({missing})",
                "",
                f"start it, correct {variables[group]}, or remove {group} from TRAINSHED_USE_EXISTING",
            )
