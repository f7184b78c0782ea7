"""What ``trainshed doctor`` asks before a run does: settings, servers, permissions, images, GPUs, versions, clock, disk.

``CHECKS`` is the table of them in the order they are shown; each is one file. A check imports what it needs when it is asked, so
that a machine which starts components as processes never imports Airflow or a cluster's client for it.
"""

from __future__ import annotations

from typing import Final

CHECKS: Final[dict[str, str]] = {
    "settings": "pipeline.doctor.variables:check_variables",
    "disk": "pipeline.doctor.disk:check_disk",
    "versions": "pipeline.doctor.versions:check_versions",
    "recipes": "pipeline.doctor.recipes:check_recipes",
    "gpu": "pipeline.doctor.gpu:check_gpu",
    "launcher": "pipeline.doctor.launcher:check_launcher",
    "store": "pipeline.doctor.store:check_store",
    "mlflow": "pipeline.doctor.mlflow:check_mlflow",
    "airflow": "pipeline.doctor.airflow:check_airflow",
    "clock": "pipeline.doctor.clock:check_clock",
}
