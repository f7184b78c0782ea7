"""The record of the launcher ``kubernetes``."""

from pipeline.launchers.base import LauncherRecord, always

RECORD = LauncherRecord(
    name="kubernetes",
    summary="each step runs in a pod",
    operator="pipeline.launchers.kubernetes.operator:KubernetesOperator",
    check="pipeline.doctor.cluster.kubernetes:check_kubernetes",
    runs_elsewhere=always,
)
