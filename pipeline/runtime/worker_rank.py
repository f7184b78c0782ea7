"""The ranks of a training above 0: they run the same body on the same inputs and write nothing.

Only rank 0 holds the lease, saves checkpoints, logs to MLflow and commits. It tells the others whether the artifact exists
already; if not, all ranks run the training loop step by step.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.lease import Lease
from pipeline.errors import TrainshedError
from pipeline.runtime.check_request import check_identity, check_inputs, check_params
from pipeline.runtime.watchdog import Watchdog
from pipeline.runtime.work import Work
from pipeline.runtime.work_folder import open_inputs, work_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.component import Component
    from pipeline.runs.request import Request
    from pipeline.runtime.stop import Stop
    from pipeline.settings import Settings
    from pipeline.training.process_group import ProcessGroup

log = logging.getLogger(__name__)


class WorkerReporter:
    """Reporter and checkpoints of a rank above 0: rank 0 writes for all; only the watchdog's pulse is local.

    While rank 0 sends a checkpoint, which may take longer than the watchdog's limit, the other ranks wait in a collective. Then
    the renewals of rank 0's lease count as progress: rank 0 has a watchdog of its own.
    """

    def __init__(self, stop: Stop, lease: Lease, patience_s: float) -> None:
        """Start the pulse.

        Args:
            stop: set once the process was told to stop.
            lease: the one that rank 0 holds.
            patience_s: time without local progress after which rank 0's lease is read, in seconds.
        """
        self._stop, self._lease, self._patience_s = stop, lease, patience_s
        self._pulse = time.monotonic()
        self._renewal: str | None = None

    def beat(self) -> None:
        """Record progress for the watchdog."""
        self._pulse = time.monotonic()

    def pulse(self) -> float:
        """Time of the last progress, on the monotonic clock in seconds."""
        if time.monotonic() - self._pulse > self._patience_s:
            try:
                renewal = self._lease.holder()
            except TrainshedError as error:
                log.warning("the lease of rank 0 could not be read: %s", error)
            else:
                if renewal is not None and renewal != self._renewal:
                    self._renewal = renewal
                    self.beat()
        return self._pulse

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Rank 0 reports it."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Rank 0 records them."""

    def stopping(self) -> bool:
        """Whether this rank was told to stop; all ranks then stop."""
        self.beat()
        return bool(self._stop)

    def newest(self) -> Path | None:
        """Rank 0 reads it and broadcasts it."""
        return None

    def save(self, step: int, folder: Path) -> None:
        """Never called: rank 0 saves."""
        raise AssertionError(f"rank above 0 saved checkpoint {step} in {folder} without a lease")


def join_ranks(settings: Settings) -> ProcessGroup | None:
    """Join the process group of this training; None if the world size is 1.

    Raises:
        Unavailable: the ranks did not connect in time.
    """
    if settings.world_size == 1:
        return None
    from pipeline.models.device import find_device
    from pipeline.training.process_group import init_process_group

    device = find_device(settings.device)
    return init_process_group(settings.rank, settings.world_size, settings.local_rank, settings.local_world_size, device)


def run_worker_rank(
    component: Component,
    body: Callable[[Work[Any]], None],
    request: Request,
    settings: Settings,
    stop: Stop,
    on_stuck: Callable[[TrainshedError], object],
) -> None:
    """Run ``body`` on a rank above 0, unless rank 0 finds the artifact; arguments and errors as of `execute`."""
    params = check_params(component, request)
    check_inputs(component, request)
    artifacts = open_artifacts(settings)
    parts = check_identity(component, params, request, artifacts)
    process_group = join_ranks(settings)
    assert process_group is not None  # noqa: S101 - this rank is above 0
    if not process_group.broadcast_object(False):
        return
    limit_s = settings.watchdog_min * 60
    lease = Lease(artifacts.store, parts.training_state(component.budget), ttl_s=settings.lease_ttl_s)
    reporter = WorkerReporter(stop, lease, limit_s / 2)
    artifacts.beat = reporter.beat
    watchdog = Watchdog(limit_s, reporter.pulse, on_stuck)
    watchdog.start()
    try:
        with work_folder(settings, request, epoch=0) as folder:
            output = folder / "output"
            output.mkdir()
            inputs = open_inputs(component, artifacts, request, folder)
            body(Work(request, params, inputs, output, reporter, settings, artifacts, parts, None, reporter, process_group))
    finally:
        watchdog.close()
