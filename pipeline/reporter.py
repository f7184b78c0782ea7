"""How a step reports to the outside: progress, metrics, heartbeats, requests to stop, and checkpoints.

The ML side is written against these two protocols. The runtime implements them on the artifact store and MLflow; a test or a notebook
may pass something simpler. `SilentReporter` records nothing and never asks to stop. `CpuHeartbeat` reports for a call that cannot.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

BEAT_EVERY_S = 1.0
"""Seconds between two heartbeats of a call that cannot report."""

MIN_CPU_SHARE = 0.05
"""Share of one core that a live call uses at least; the threads of a stuck process, such as the progress writer, use under 1 %."""


class Reporter(Protocol):
    """Gets progress and metrics of a step, and may ask it to stop."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Report how far the step is; cheap enough to call often.

        Args:
            done: units finished.
            total: units in all; 0 if unknown.
            unit: what is counted, plural, e.g. ``"steps"``.
            figures: more values to show live, e.g. ``loss=2.1, tokens_per_s=9000``.
        """

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record values for MLflow. They are sent once the checkpoint that covers ``step`` is committed."""

    def beat(self) -> None:
        """Tell the watchdog that the step is alive, where there is no progress to report; cheap enough for every batch."""

    def stopping(self) -> bool:
        """Whether the step must stop: save a checkpoint at the next step boundary and raise `Preempted`."""


class Checkpoints(Protocol):
    """Where a training step keeps its state, so that the next attempt can resume."""

    def newest(self) -> Path | None:
        """Folder of the newest complete checkpoint, verified and read-only; None if there is none."""

    def save(self, step: int, folder: Path) -> None:
        """Commit the files of ``folder`` as the checkpoint after ``step`` optimizer steps.

        Raises:
            Preempted: another attempt holds the lease now; this one must end without further writes.
        """


class SilentReporter:
    """A reporter that records nothing."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Ignore the progress."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Ignore the values."""

    def beat(self) -> None:
        """Ignore the heartbeat."""

    def stopping(self) -> bool:
        """Never asks to stop."""
        return False


class CpuHeartbeat:
    """Sends heartbeats from a thread while a call computes that cannot report itself, e.g. one into a compiled library.

    A heartbeat needs evidence: the process must have used CPU time since the last one. A call that is stuck uses none, so the watchdog
    still ends it. Do not use it around GPU work: a thread that waits for a GPU uses CPU time too.
    """

    def __init__(self, reporter: Reporter, every_s: float | None = None, cpu_time: Callable[[], float] = time.process_time) -> None:
        """Prepare; the thread runs inside the ``with`` block.

        Args:
            reporter: gets the heartbeats.
            every_s: seconds between two checks; None takes `BEAT_EVERY_S`.
            cpu_time: CPU time of this process so far, in seconds.
        """
        self._reporter, self._every_s, self._cpu_time = reporter, BEAT_EVERY_S if every_s is None else every_s, cpu_time
        self._used = cpu_time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpu-heartbeat", daemon=True)

    def __enter__(self) -> CpuHeartbeat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._reporter.beat()

    def check(self) -> None:
        """Send a heartbeat if the process has used enough CPU time since the last one."""
        used = self._cpu_time()
        if used - self._used >= MIN_CPU_SHARE * self._every_s:
            self._used = used
            self._reporter.beat()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self.check()
