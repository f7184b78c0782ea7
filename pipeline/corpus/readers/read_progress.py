"""Progress of reading a source, in megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.reporter import Reporter
    from pipeline.sources.base import Pin

REPORT_EVERY_BYTES = 1 << 20
"""Bytes between two reports."""


class ReadProgress:
    """Adds up bytes, and reports every megabyte."""

    def __init__(self, reporter: Reporter, pin: Pin) -> None:
        """Start at zero of the pinned bytes."""
        self.reporter = reporter
        self.total = sum(item.size for item in pin.items)
        self.done = self._reported = 0

    def add(self, count: int) -> None:
        """Count ``count`` more bytes as read."""
        self.done += count
        if self.done - self._reported >= REPORT_EVERY_BYTES or self.done >= self.total:
            self._reported = self.done
            self.report()

    def report(self) -> None:
        """Report now: a file that is read at once and parsed for minutes must not look stuck to the watchdog."""
        self.reporter.progress(min(self.done, self.total) / 1e6, self.total / 1e6, "MB")
