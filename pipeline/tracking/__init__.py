"""MLflow runs and metrics, through MLflow's REST API: imports no MLflow client, so that planning stays light."""

from pipeline.tracking.metrics_outbox import MetricsOutbox
from pipeline.tracking.runs import MlflowRun, Point, end_run, flat, parent_run, step_run
from pipeline.tracking.server import Exists, Missing, MlflowServer

__all__ = ["Exists", "MetricsOutbox", "Missing", "MlflowRun", "MlflowServer", "Point", "end_run", "flat", "parent_run", "step_run"]
