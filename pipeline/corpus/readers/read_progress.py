"""How far reading is, in megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.reporter import Reporter
    from pipeline.sources.base import Pin

EVERY = 1 << 20
"""Bytes between two reports."""


class Meter:
    """Adds up bytes, and tells the reporter about every megabyte."""

    def __init__(self, reporter: Reporter, pin: Pin) -> None:
        """Begin at nothing of all that was pinned."""
        self.reporter = reporter
        self.total = sum(item.size for item in pin.items)
        self.done = self._told = 0

    def add(self, count: int) -> None:
        """Count ``count`` more bytes as read."""
        self.done += count
        if self.done - self._told >= EVERY or self.done >= self.total:
            self._told = self.done
            self.tell()

    def tell(self) -> None:
        """Say again how far it is: a file that is read at once and parsed for long moves all the same."""
        self.reporter.progress(min(self.done, self.total) / 1e6, self.total / 1e6, "MB")
