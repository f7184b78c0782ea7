"""Metrics that wait until the checkpoint that covers them is committed.

MLflow's key of a metric includes its timestamp, so a step that is trained twice after a crash would be a second point. Here a
value keeps the timestamp of its first recording, travels inside the checkpoint, and is sent only after the commit. What came
after the last checkpoint dies with the process and is recorded anew; what is sent twice is sent with the same timestamp and
MLflow keeps one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.tracking.runs import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.tracking.runs import MlflowRun


class Outbox:
    """Points not yet sent, in order of recording."""

    def __init__(self, waiting: list[Point] | None = None) -> None:
        """Begin empty, or with what a checkpoint carried."""
        self.waiting: list[Point] = list(waiting or [])

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Keep values of one step; the timestamp is now, in milliseconds."""
        now = int(time.time() * 1000)
        self.waiting += [Point(key=key, value=float(value), step=step, timestamp=now) for key, value in values.items()]

    def send(self, run: MlflowRun) -> None:
        """Send everything that waits; what was sent no longer waits."""
        if self.waiting:
            run.log_points(self.waiting)
            self.waiting = []
