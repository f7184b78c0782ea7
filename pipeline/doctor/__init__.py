"""The checks of ``trainshed doctor``: settings, servers, permissions, images, GPUs, versions, clock, disk.

``CHECKS`` lists them in the order in which they are shown; each is one file, imported when it runs. So a machine that starts components
as processes imports neither Airflow nor the client of a cluster.
"""

from __future__ import annotations

from pipeline.lookup import Table

CHECKS = Table(
    "check",
    "trainshed.checks",
    {
        "settings": "pipeline.doctor.variables:check_variables",
        "disk": "pipeline.doctor.disk:check_disk",
        "versions": "pipeline.doctor.versions:check_versions",
        "recipes": "pipeline.doctor.recipes:check_recipes",
        "gpu": "pipeline.doctor.gpu:check_gpu",
        "launcher": "pipeline.doctor.launcher:check_launcher",
        "store": "pipeline.doctor.store:check_store",
        "mlflow": "pipeline.doctor.mlflow:check_mlflow",
        "airflow": "pipeline.doctor.airflow:check_airflow",
        "approvers": "pipeline.doctor.approvers:check_approvers",
        "clock": "pipeline.doctor.clock:check_clock",
    },
)
