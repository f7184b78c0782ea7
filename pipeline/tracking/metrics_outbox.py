"""Metrics wait here until the checkpoint that covers them is committed.

MLflow's key of a metric includes its timestamp, so a step that is trained twice after a crash would give two points. Here a
value keeps the timestamp of its first recording, is stored inside the checkpoint, and is sent only after the commit. Values
after the last checkpoint are lost with the process and recorded again; values sent twice have the same timestamp, and MLflow
keeps one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.tracking.runs import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.tracking.runs import MlflowRun


class MetricsOutbox:
    """Points not yet sent, in order of recording."""

    def __init__(self, waiting: list[Point] | None = None) -> None:
        """Start empty, or with the points of a checkpoint."""
        self.waiting: list[Point] = list(waiting or [])

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the values of one step; their timestamp is now, in milliseconds."""
        now = int(time.time() * 1000)
        self.waiting += [Point(key=key, value=float(value), step=step, timestamp=now) for key, value in values.items()]

    def send(self, run: MlflowRun) -> None:
        """Send all waiting points; those that were sent no longer wait."""
        if self.waiting:
            run.log_points(self.waiting)
            self.waiting = []
