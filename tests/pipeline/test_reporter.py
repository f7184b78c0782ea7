"""Heartbeats of calls that cannot report progress themselves: sent while they compute, and not while they are stuck."""

from __future__ import annotations

import threading
import time

from pipeline.reporter import MIN_CPU_SHARE, CpuHeartbeat, SilentReporter

WAIT_S = 60


class Beats(SilentReporter):
    """Counts heartbeats."""

    def __init__(self) -> None:
        self.count = 0
        self.beaten = threading.Event()

    def beat(self) -> None:
        self.count += 1
        self.beaten.set()


def test_a_call_that_computes_gets_heartbeats() -> None:
    reporter, until = Beats(), time.monotonic() + WAIT_S
    with CpuHeartbeat(reporter, every_s=0.01):
        while not reporter.count and time.monotonic() < until:
            sum(range(1000))
        assert reporter.count


def test_a_call_that_uses_no_cpu_gets_none() -> None:
    used = [10.0]
    reporter = Beats()
    heartbeat = CpuHeartbeat(reporter, every_s=2.0, cpu_time=lambda: used[0])
    heartbeat.check()
    assert reporter.count == 0
    used[0] += 2.0 * MIN_CPU_SHARE * 0.9
    heartbeat.check()
    assert reporter.count == 0
    used[0] += 2.0 * MIN_CPU_SHARE * 0.2
    heartbeat.check()
    heartbeat.check()
    assert reporter.count == 1


def test_the_thread_ends_with_the_block() -> None:
    reporter = Beats()
    with CpuHeartbeat(reporter, every_s=0.001, cpu_time=time.monotonic):
        assert reporter.beaten.wait(WAIT_S)
    assert "cpu-heartbeat" not in {thread.name for thread in threading.enumerate()}
