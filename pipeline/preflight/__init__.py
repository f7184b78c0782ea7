"""What ``trainshed doctor`` asks before a run does: settings, servers, permissions, images, GPUs, versions, clock, disk.

``CHECKS`` is the table of them in the order they are shown; each is one file. A check imports what it needs when it is asked, so
that a machine which starts components as processes never imports Airflow or a cluster's client for it.
"""

from __future__ import annotations

from typing import Final

CHECKS: Final[dict[str, str]] = {
    "settings": "pipeline.preflight.variables:check_variables",
    "disk": "pipeline.preflight.disk:check_disk",
    "versions": "pipeline.preflight.versions:check_versions",
    "recipes": "pipeline.preflight.recipes:check_recipes",
    "gpu": "pipeline.preflight.gpu:check_gpu",
    "launcher": "pipeline.preflight.launcher:check_launcher",
    "store": "pipeline.preflight.store:check_store",
    "mlflow": "pipeline.preflight.mlflow:check_mlflow",
    "airflow": "pipeline.preflight.airflow:check_airflow",
    "clock": "pipeline.preflight.clock:check_clock",
}
