"""Requests to stop: SIGTERM, Ctrl-C, or the end of the launcher's pipe.

All three mean: checkpoint at the next step boundary and exit with 75. The pipe covers what signals cannot: a launcher killed
with SIGKILL sends no signal, but the kernel closes its end of the pipe.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

log = logging.getLogger(__name__)


class Stop:
    """Whether this process was told to stop, and why."""

    def __init__(self) -> None:
        """Not stopped yet."""
        self.reason = ""
        self.interrupted = False
        self._event = threading.Event()

    def __bool__(self) -> bool:
        """True once told to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``; True once told to stop."""
        return self._event.wait(seconds)

    def request(self, reason: str) -> None:
        """Request the stop; the first reason is kept."""
        if not self._event.is_set():
            self.reason = reason
            log.warning("told to stop: %s", reason)
            self._event.set()

    def listen(self, *, tethered: bool) -> None:
        """Install the signal handlers, and watch standard input if a launcher holds its other end."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if tethered:
            threading.Thread(target=self._watch_pipe, name="tether", daemon=True).start()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True
        self.request(signal.Signals(number).name)

    def _watch_pipe(self) -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        self.request("the launcher is gone")
