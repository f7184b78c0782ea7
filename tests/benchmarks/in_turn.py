"""Two or more measures taken in turn in one run (A B A B ...): machines are shared and noisy, and ratios are what counts."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5


class Compared(NamedTuple):
    """Times of one round after the other, of what is ours and of what it is compared with."""

    ours: list[float]
    bare: list[float]
    ours_cpu: list[float]
    bare_cpu: list[float]

    def times(self, count: int = 1) -> str:
        """How many times as long ours takes.

        Args:
            count: what one round does so many of; the times are shown for one.
        """
        ratios = [own / other for own, other in zip(self.ours, self.bare, strict=True)]
        return self._told(ratios, "the time", 1e3 / count, statistics.median(self.ours_cpu) / statistics.median(self.bare_cpu))

    def speed(self, count: int = 1) -> str:
        """How many times as fast ours is; ``count`` as in `times`."""
        ratios = [other / own for own, other in zip(self.ours, self.bare, strict=True)]
        return self._told(ratios, "the speed", 1e3 / count, statistics.median(self.bare_cpu) / statistics.median(self.ours_cpu))

    def _told(self, ratios: list[float], what: str, scale: float, cpu: float) -> str:
        own, other = (statistics.median(seconds) * scale for seconds in (self.ours, self.bare))
        middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
        return f"{middle:.2f} x {what} ({least:.2f} to {most:.2f}); by CPU time {cpu:.2f} x; {own:.3g} ms against {other:.3g} ms"


def interleaved(*measures: Callable[[], float], rounds: int = ROUNDS) -> list[list[float]]:
    """Each measure once to warm up, then in turn."""
    for each in measures:
        each()
    found = [[each() for each in measures] for _ in range(rounds)]
    return [list(column) for column in zip(*found, strict=True)]


def compare(ours: Callable[[], object], bare: Callable[[], object], rounds: int = ROUNDS) -> Compared:
    """Run both once to warm up, then in turn, each with its wall and CPU time in seconds."""
    ours()
    bare()
    found: list[tuple[float, float, float, float]] = []
    for number in range(rounds):
        # each goes first in every other round: what runs second finds warmer caches
        pair = [_timed(call) for call in ((ours, bare) if number % 2 else (bare, ours))]
        (own, own_cpu), (other, other_cpu) = pair if number % 2 else pair[::-1]
        found.append((own, other, own_cpu, other_cpu))
    return Compared(*(list(column) for column in zip(*found, strict=True)))


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def spread(values: list[float]) -> str:
    """Median with the smallest and the largest."""
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"
