"""MLflow runs and metrics, through MLflow's REST API: light enough for a scheduler."""

from pipeline.tracking.outbox import Outbox
from pipeline.tracking.runs import Point, Run, end_run, flat, parent_run, step_run
from pipeline.tracking.server import Exists, Missing, MlflowServer

__all__ = ["Exists", "Missing", "MlflowServer", "Outbox", "Point", "Run", "end_run", "flat", "parent_run", "step_run"]
