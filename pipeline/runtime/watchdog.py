"""Ends a step that no longer moves, so that another attempt can go on from its last checkpoint."""

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
    """A thread that looks at a pulse."""

    def __init__(self, limit_s: float, pulse: Callable[[], float], on_stuck: Callable[[Unavailable], object]) -> None:
        """Watch, once started.

        Args:
            limit_s: longest time without a pulse, in seconds.
            pulse: when something last moved, on the monotonic clock.
            on_stuck: called with the error just before the process ends.
        """
        self._limit_s, self._pulse, self._on_stuck = limit_s, pulse, on_stuck
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(self._limit_s / 10, 5.0)):
            if time.monotonic() - self._pulse() > self._limit_s:
                # a stuck main thread cannot be asked to end; where it hangs is the one thing worth knowing
                faulthandler.dump_traceback()
                error = Unavailable(
                    f"no progress for {self._limit_s / 60:g} minutes",
                    "a step that moves",
                    "see the stacks above; raise TRAINSHED_WATCHDOG_MIN if it is only slow",
                )
                log.error("%s", error)
                self._on_stuck(error)
                os._exit(error.exit_code)
