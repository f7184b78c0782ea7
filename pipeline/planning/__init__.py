"""Planning: find cache hits and misses, and prepare the steps that have to run."""

from pipeline.planning.plan import Plan, PlannedStep, Status
from pipeline.planning.start_run import plan_run
from pipeline.planning.step_request import PreparedStep, find_result, prepare_step, read_request

__all__ = ["Plan", "PlannedStep", "PreparedStep", "Status", "find_result", "plan_run", "prepare_step", "read_request"]
