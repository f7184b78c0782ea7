"""The interpreter that finds hits and misses, and prepares what has to run."""

from pipeline.planning.begin import plan_run
from pipeline.planning.plan import Plan, PlannedStep, Status
from pipeline.planning.prepare import Prepared, confirm, prepare, recall

__all__ = ["Plan", "PlannedStep", "Prepared", "Status", "confirm", "plan_run", "prepare", "recall"]
