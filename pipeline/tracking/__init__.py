"""MLflow runs and metrics, through MLflow's REST API: light enough for a scheduler."""

from pipeline.tracking.outbox import Outbox
from pipeline.tracking.runs import MlflowRun, Point, end_run, flat, parent_run, step_run
from pipeline.tracking.server import Exists, Missing, MlflowServer

__all__ = ["Exists", "Missing", "MlflowRun", "MlflowServer", "Outbox", "Point", "end_run", "flat", "parent_run", "step_run"]
