"""The local stack: S3, MLflow and the processes of Airflow, started, probed and stopped together.

``SERVERS`` lists them in display order. The class of a server says how its process is started and how to probe it; `stack.py`
does the rest, the same way for all. A server in the setting ``use_existing`` is not started, only probed at its address. One that only
some launchers need is started for those.
"""

from __future__ import annotations

from pipeline.lookup import Table

SERVERS = Table(
    "server",
    None,
    {
        "s3": "pipeline.stack.s3:S3",
        "mlflow": "pipeline.stack.mlflow:Mlflow",
        "relay": "pipeline.stack.relay:Relay",
        "airflow-database": "pipeline.stack.airflow_processes:Database",
        "airflow-pool": "pipeline.stack.airflow_pool:TrainingPool",
        "airflow-api": "pipeline.stack.airflow_processes:Api",
        "airflow-scheduler": "pipeline.stack.airflow_processes:Scheduler",
        "airflow-dag-processor": "pipeline.stack.airflow_processes:DagProcessor",
    },
)
