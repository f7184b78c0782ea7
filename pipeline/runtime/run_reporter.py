"""The runtime's reporter: live progress to the store, metrics to the outbox, a pulse for the watchdog.

Progress is a small object in the store that a separate thread overwrites about once a second: a slow or unreachable store
never slows a training step. Only the newest progress is written.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError
from pipeline.runs.records import StepProgress, progress_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.base import Store
    from pipeline.runtime.stop import Stop
    from pipeline.tracking import MetricsOutbox

log = logging.getLogger(__name__)
WRITE_EVERY_S = 1.0
LOG_EVERY_S = 10.0


class RunReporter:
    """Implements `pipeline.reporter.Reporter` for one attempt of one step."""

    def __init__(self, store: Store, run: str, step: str, stop: Stop, outbox: MetricsOutbox) -> None:
        """Nothing is written before `start`."""
        self._store, self._key, self._stop, self._outbox = store, progress_key(run, step), stop, outbox
        self._started = datetime.now(UTC)
        self._newest: StepProgress | None = None
        self._closing = threading.Event()
        self._logged = 0.0
        self._writer = threading.Thread(target=self._write_loop, name="progress", daemon=True)
        self.pulse = time.monotonic()
        """Time of the last progress, on the monotonic clock in seconds."""

    def start(self) -> None:
        """Start writing progress to the store."""
        self._writer.start()

    def close(self) -> None:
        """Write the last progress and stop writing."""
        self._closing.set()
        if self._writer.is_alive():
            self._writer.join(timeout=5)

    def beat(self) -> None:
        """Record progress for the watchdog."""
        self.pulse = time.monotonic()

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Report how far the step is."""
        self.beat()
        now = datetime.now(UTC)
        self._newest = StepProgress(done=done, total=total, unit=unit, figures=figures, started=self._started, updated=now)
        if self.pulse - self._logged >= LOG_EVERY_S:
            self._logged = self.pulse
            log.info("progress", extra={"fields": {"done": done, "total": total, "unit": unit, **figures}})

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Keep values until the checkpoint that covers ``step`` is committed."""
        self.beat()
        self._outbox.record(step, values)

    def stopping(self) -> bool:
        """Whether the step was told to stop."""
        return bool(self._stop)

    def _write_loop(self) -> None:
        written: StepProgress | None = None
        while not self._closing.wait(WRITE_EVERY_S):
            written = self._write(written)
        self._write(written)

    def _write(self, written: StepProgress | None) -> StepProgress | None:
        newest = self._newest
        if newest is not None and newest is not written:
            try:
                self._store.put(self._key, newest.model_dump_json().encode())
            except TrainshedError as error:
                log.warning("live progress could not be written: %s", error)
        return newest
