"""The record of the launcher ``process``."""

from pipeline.launchers.base import LauncherRecord

RECORD = LauncherRecord(
    name="process",
    summary="steps run as child processes of Airflow's workers",
    operator="pipeline.launchers.process.operator:ProcessOperator",
)
