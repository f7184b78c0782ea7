"""Jobs in worker processes, for work that holds the GIL: results come as they are ready, and no worker outlives its parent.

A job reports to its worker's reporter. The worker adds the progress up in shared memory, where the parent reads it. So a long job does
not look stuck to the watchdog, and a request to stop reaches every worker.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import Preempted, Unavailable
from pipeline.reporter import SilentReporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.sharedctypes import Synchronized

    from pipeline.reporter import Reporter

Job = TypeVar("Job")
Result = TypeVar("Result")

LOOK_EVERY_S = 0.5
"""Seconds between two looks of the parent at the progress."""


def run_jobs(
    work: Callable[[Job, Reporter], Result], jobs: Mapping[int, Job], processes: int, reporter: Reporter, total: float
) -> Iterator[tuple[int, Result]]:
    """Do each job once; results come as they are ready.

    Args:
        work: a function at module level (it is pickled by name). It reports the megabytes of its own job.
        jobs: by a number that names the job; begun in this order.
        processes: number of processes; with 1 this process does the work.
        reporter: gets the megabytes of all jobs.
        total: megabytes of all jobs.

    Raises:
        Preempted: asked to stop.
        Unavailable: a worker was killed, e.g. OOMKilled.
    """
    if processes == 1 or len(jobs) < 2:
        done = _Done(reporter, total)
        for number, job in jobs.items():
            yield number, work(job, done)
            done.next_job()
        return
    # spawned, not forked: this process has threads, and a fork may inherit a lock that is never released
    context = multiprocessing.get_context("spawn")
    shared = _Shared(context)
    pool = ProcessPoolExecutor(min(processes, len(jobs)), context, initializer=_begin, initargs=(shared.done, shared.pulse, shared.stop))
    try:
        waiting = {pool.submit(_run, work, job): number for number, job in jobs.items()}
        while waiting:
            ready, _ = wait(waiting, LOOK_EVERY_S, FIRST_COMPLETED)
            shared.report(reporter, total)
            for each in ready:
                yield waiting.pop(each), each.result()
            if reporter.stopping():
                raise Preempted("stopped on request", "", "run it again")
    except BrokenProcessPool as error:
        raise Unavailable("a worker process was killed", "", "check whether memory ran out (OOMKilled), then run it again") from error
    finally:
        shared.stop.value = 1
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0))


class _Done(SilentReporter):
    """Adds up what one job after the other reports."""

    def __init__(self, reporter: Reporter, total: float) -> None:
        self.reporter, self.total = reporter, total
        self.before = self.now = 0.0

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:  # noqa: ARG002 - a Reporter's signature
        self.now = done
        self.reporter.progress(min(self.before + done, self.total), self.total, unit)

    def next_job(self) -> None:
        self.before, self.now = self.before + self.now, 0.0

    def beat(self) -> None:
        self.reporter.beat()

    def stopping(self) -> bool:
        return self.reporter.stopping()


class _Shared:
    """What parent and workers share."""

    def __init__(self, context: Any) -> None:  # noqa: ANN401 - a context of multiprocessing has no public type
        self.done: Synchronized[float] = context.Value("d", 0.0)
        """Megabytes that are done."""
        self.pulse: Synchronized[int] = context.Value("Q", 0)
        """Grows with each report of a worker."""
        self.stop: Synchronized[int] = context.Value("b", 0)
        self._seen = 0

    def report(self, reporter: Reporter, total: float) -> None:
        """Pass on the progress, if a worker has reported since the last time."""
        if self.pulse.value != self._seen:
            self._seen = self.pulse.value
            reporter.progress(min(self.done.value, total), total, "MB")


class _WorkerReporter(SilentReporter):
    """Adds the progress of a job to what is shared."""

    def __init__(self, done: Synchronized[float], pulse: Synchronized[int], stop: Synchronized[int]) -> None:
        self.done, self.pulse, self.stop = done, pulse, stop
        self.before = 0.0

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:  # noqa: ARG002 - a Reporter's signature
        with self.done.get_lock():
            self.done.value += done - self.before
        self.before = done
        self.beat()

    def beat(self) -> None:
        with self.pulse.get_lock():
            self.pulse.value += 1

    def stopping(self) -> bool:
        return bool(self.stop.value)


_shared: tuple[Any, ...] = ()
"""In a worker: what it shares with its parent."""


def _run(work: Callable[[Job, Reporter], Result], job: Job) -> Result:
    """Do one job, in a worker."""
    return work(job, _WorkerReporter(*_shared))


def _begin(*shared: Any) -> None:  # noqa: ANN401 - shared memory has no public type
    """Ignore signals, which the parent handles, and exit when the parent dies, even by SIGKILL."""
    global _shared  # noqa: PLW0603 - a worker has no other place for what its initializer was given
    _shared = shared
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - only spawned workers come here

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
