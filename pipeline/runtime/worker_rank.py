"""A process of a training that is not the first: it runs the same body on the same inputs, and leaves nothing behind.

The first one alone holds the lease, keeps checkpoints, speaks to MLflow and commits. When it has made sure that there is something to
do, it says so; from then on all of them go through the loop step by step.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pipeline.artifacts import open_artifacts
from pipeline.runtime.identity import check_identity, check_inputs, check_params
from pipeline.runtime.watchdog import Watchdog
from pipeline.runtime.work import Work
from pipeline.runtime.work_folder import open_inputs, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.component import Component
    from pipeline.errors import TrainshedError
    from pipeline.runs.request import Request
    from pipeline.runtime.stop import Stop
    from pipeline.settings import Settings
    from pipeline.training.ranks import Ranks


class Silent:
    """A reporter and a shelf of checkpoints that the first process keeps for all; only the pulse is this one's."""

    def __init__(self, stop: Stop) -> None:
        """Begin."""
        self._stop = stop
        self.pulse = time.monotonic()
        """When something last moved, on the monotonic clock in seconds."""

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """The first process tells it."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """The first process records them."""

    def stopping(self) -> bool:
        """Whether this process was told to stop; all of them will."""
        self.pulse = time.monotonic()
        return bool(self._stop)

    def newest(self) -> Path | None:
        """The first process reads it, and hands it on."""
        return None

    def save(self, step: int, folder: Path) -> None:
        """Never called: the first process saves."""
        raise AssertionError(f"checkpoint {step} in {folder} of a process that has no lease")


def meet(settings: Settings) -> Ranks | None:
    """Meet the other processes of this training; None when there is none.

    Raises:
        Unavailable: they did not meet.
    """
    if settings.world_size == 1:
        return None
    from pipeline.training.device import find_device
    from pipeline.training.ranks import join

    device = find_device(settings.device)
    return join(settings.rank, settings.world_size, settings.local_rank, settings.local_world_size, device)


def follow(
    component: Component,
    body: Callable[[Work[Any]], None],
    request: Request,
    settings: Settings,
    stop: Stop,
    on_stuck: Callable[[TrainshedError], object],
) -> None:
    """Run ``body`` beside the first process, unless that finds that the artifact is there; arguments and errors as of `execute`."""
    params = check_params(component, request)
    check_inputs(component, request)
    check_identity(component, params, request)
    artifacts = open_artifacts(settings)
    ranks = meet(settings)
    assert ranks is not None  # noqa: S101 - this process has a number above 0
    if not ranks.same(False):
        return
    silent = Silent(stop)
    watchdog = Watchdog(settings.watchdog_min * 60, lambda: silent.pulse, on_stuck)
    watchdog.start()
    try:
        with scratch(settings, request, epoch=0) as place:
            output = place / "output"
            output.mkdir()
            inputs = open_inputs(artifacts, request, place)
            body(Work(request, params, inputs, output, silent, settings, artifacts, None, silent, ranks))
    finally:
        watchdog.close()
