"""The servers of a laptop: S3, MLflow and Airflow's processes, started, watched and stopped as one.

``SERVERS`` is the table of them in the order they are shown. Each is one file (or one class of it) that says how its
process is started and how to tell that it serves; ``stack.py`` does the rest for all of them alike. A server listed in
the setting ``use_existing`` is not started but probed where the settings say it is.
"""

from __future__ import annotations

from typing import Final

SERVERS: Final[dict[str, str]] = {
    "s3": "pipeline.stack.s3:S3",
    "mlflow": "pipeline.stack.mlflow:Mlflow",
    "airflow-database": "pipeline.stack.airflow_processes:Database",
    "airflow-api": "pipeline.stack.airflow_processes:Api",
    "airflow-scheduler": "pipeline.stack.airflow_processes:Scheduler",
    "airflow-dag-processor": "pipeline.stack.airflow_processes:DagProcessor",
}
