"""End a step that makes no progress, so that the next attempt resumes from its last checkpoint."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class Watchdog:
    """A thread that watches the time of the last progress."""

    def __init__(self, limit_s: float, pulse: Callable[[], float], on_stuck: Callable[[Unavailable], object]) -> None:
        """Nothing is watched before `start`.

        Args:
            limit_s: longest time without progress, in seconds.
            pulse: returns the time of the last progress, on the monotonic clock in seconds.
            on_stuck: called with the error just before the process ends.
        """
        self._limit_s, self._pulse, self._on_stuck = limit_s, pulse, on_stuck
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(self._limit_s / 10, 5.0)):
            if time.monotonic() - self._pulse() > self._limit_s:
                # a stuck main thread cannot be asked to end; the stacks show where it hangs
                faulthandler.dump_traceback()
                error = Unavailable(
                    f"no progress for {self._limit_s / 60:g} minutes",
                    "",
                    "see the stacks above; raise TRAINSHED_WATCHDOG_MIN if the step is only slow",
                )
                log.error("%s", error)
                self._on_stuck(error)
                os._exit(error.exit_code)
