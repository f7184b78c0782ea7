"""Launchers: where a component runs. The setting ``launcher`` chooses one; the DAG stays the same.

A launcher is a folder with a record (`pipeline.launchers.base.LauncherRecord`) and an operator: the class
`pipeline.operators.component_operator.ComponentMixin` before an Airflow operator that can start, follow and stop something, with
one method `launch` added. A new launcher is one folder and one line in this table.
"""

from pipeline.lookup import Table

LAUNCHERS = Table(
    "launcher",
    "trainshed.launchers",
    {
        "docker": "pipeline.launchers.docker.record:RECORD",
        "kubernetes": "pipeline.launchers.kubernetes.record:RECORD",
        "process": "pipeline.launchers.process.record:RECORD",
        "trainjob": "pipeline.launchers.trainjob.record:RECORD",
    },
)
