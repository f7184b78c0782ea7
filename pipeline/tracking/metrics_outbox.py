"""Metrics wait here until the checkpoint that covers them is committed, and then until MLflow takes them.

MLflow's key of a metric includes its timestamp, so a step that is trained twice after a crash would give two points. Here a
value keeps the timestamp of its first recording, is stored inside the checkpoint, and is sent only after the commit. Values
after the last checkpoint are lost with the process and recorded again; values sent twice have the same timestamp, and MLflow
keeps one.

A thread sends, in the order of recording, so that an unreachable MLflow never stops a training. What it has not sent is stored
in the next checkpoint too. Only a finished step waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError, Unavailable
from pipeline.tracking.runs import BATCH, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.tracking.runs import MlflowRun

log = logging.getLogger(__name__)

PAUSE_S = 5.0
"""Pause after MLflow did not take the metrics, in addition to the retry time of each request."""

OUTAGE_S = 900.0
"""How long a finished step waits for an unreachable MLflow before it ends with 75: its result is there, only figures are missing."""


class MetricsOutbox:
    """Points that are not yet in MLflow, in order of recording."""

    def __init__(self) -> None:
        """Start empty."""
        self._points: list[Point] = []
        self._released = 0
        """How many points from the front a committed checkpoint covers: those may be sent."""
        self._refused: TrainshedError | None = None
        self._changed = threading.Condition()
        self._sender: threading.Thread | None = None

    @property
    def waiting(self) -> list[Point]:
        """All points that are not yet in MLflow, for the next checkpoint."""
        with self._changed:
            return list(self._points)

    @waiting.setter
    def waiting(self, points: list[Point]) -> None:
        with self._changed:
            self._points, self._released = list(points), 0

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the values of one step; their timestamp is now, in milliseconds."""
        now = int(time.time() * 1000)
        with self._changed:
            self._points += [Point(key=key, value=float(value), step=step, timestamp=now) for key, value in values.items()]

    def send(self, run: MlflowRun) -> None:
        """Let all waiting points be sent to ``run``, in the background: a committed checkpoint holds them."""
        with self._changed:
            self._released = len(self._points)
            if self._points and self._sender is None:
                self._sender = threading.Thread(target=self._send_loop, args=(run,), name="metrics", daemon=True)
                self._sender.start()
            self._changed.notify_all()

    def flush(self, run: MlflowRun, keep_waiting: Callable[[], None], outage_s: float = OUTAGE_S) -> None:
        """Send all waiting points and wait until MLflow has them.

        Args:
            run: the MLflow run.
            keep_waiting: called about once a second; it may raise to end the wait.
            outage_s: how long an unreachable MLflow is waited for, in seconds.

        Raises:
            Unavailable: MLflow is unreachable for longer than that.
            TrainshedError: MLflow refuses the points.
        """
        self.send(run)
        until = time.monotonic() + outage_s
        with self._changed:
            while self._points and not self._refused:
                if time.monotonic() > until:
                    raise Unavailable(
                        f"{len(self._points)} metric values are not sent: {run.server.url} is unreachable", "", "start MLflow"
                    )
                self._changed.wait(1.0)
                keep_waiting()
        if self._refused:
            raise self._refused

    def _send_loop(self, run: MlflowRun) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._released > 0)
                batch = self._points[: min(self._released, BATCH)]
            try:
                run.log_points(batch)
            except Unavailable as error:
                log.warning("metrics wait: %s", error)
                time.sleep(PAUSE_S)
                continue
            except TrainshedError as error:
                log.warning("MLflow refuses metrics: %s", error)
                with self._changed:
                    self._refused = error
                    self._changed.notify_all()
                return
            with self._changed:
                # recording only appends: the front is still this batch
                del self._points[: len(batch)]
                self._released -= len(batch)
                self._changed.notify_all()
