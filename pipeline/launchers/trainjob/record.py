"""The record of the launcher ``trainjob``."""

from pipeline.launchers.base import LauncherRecord, always

RECORD = LauncherRecord(
    name="trainjob",
    summary="steps that train run in TrainJobs of Kubeflow Trainer, all others in pods",
    operator="pipeline.launchers.trainjob.operator:TrainJobOperator",
    check="pipeline.doctor.cluster.kubernetes:check_kubernetes",
    several_nodes=True,
    trainjobs=True,
    runs_elsewhere=always,
)
