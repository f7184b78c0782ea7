"""Jobs in several processes, for work that holds the GIL: results come as they are ready, and no worker outlives its parent.

This process works too, since a worker takes half a second to start. The workers get the first jobs, one each, and this process the last one
that is left: the caller gives the longest first. Workers stay for later jobs.

A job reports to its worker's reporter. The worker adds the progress up in shared memory, where the parent reads it. So a long job does
not look stuck to the watchdog, and a request to stop reaches every worker.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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


class Workers:
    """This process, and others that the first jobs start that need them; a context manager."""

    def __init__(self, reporter: Reporter) -> None:
        """Start nothing yet.

        Args:
            reporter: gets the megabytes of all jobs, and may ask to stop.
        """
        self.reporter = reporter
        self._pool: ProcessPoolExecutor | None = None
        self._shared: _Shared | None = None
        self._others = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool and self._shared:
            self._shared.stop.value = 1
            self._pool.shutdown(cancel_futures=True)

    def run(
        self, work: Callable[[Job, Reporter], Result], jobs: Mapping[int, Job], processes: int, total: float
    ) -> Iterator[tuple[int, Result]]:
        """Do each job once; results come as they are ready.

        Args:
            work: a function at module level (it is pickled by name). It reports the megabytes of its own job.
            jobs: by a number that names the job; the longest first.
            processes: number of processes; with 1 this process does the work, unless others run already.
            total: megabytes of all jobs.

        Raises:
            Preempted: asked to stop.
            Unavailable: a worker was killed, e.g. OOMKilled.
        """
        if self._pool is None and min(processes, len(jobs)) > 1:
            self._start(min(processes, len(jobs)) - 1)
        if self._pool is None or self._shared is None or len(jobs) < 2:
            done = _Done(self.reporter, total)
            for number, job in jobs.items():
                yield number, work(job, done)
                done.next_job()
            return
        self._shared.done.value = 0.0
        own = _OwnReporter(self._shared, self.reporter, total)
        try:
            yield from self._share_out(_Jobs(self._pool, work, jobs), own)
        except BrokenProcessPool as error:
            raise Unavailable("a worker process was killed", "", "check whether memory ran out (OOMKilled), then run it again") from error

    def _start(self, others: int) -> None:
        # spawned, not forked: this process has threads, and a fork may inherit a lock that is never released
        context = multiprocessing.get_context("spawn")
        self._shared, self._others = _Shared(context), others
        given = (self._shared.done, self._shared.pulse, self._shared.stop)
        self._pool = ProcessPoolExecutor(others, context, initializer=_begin, initargs=given)

    def _share_out(self, jobs: _Jobs[Job, Result], own: _OwnReporter) -> Iterator[tuple[int, Result]]:
        """Work on the last job that is left, and between two of them pass on what the others did."""
        for _ in range(self._others):
            jobs.hand_out()
        try:
            while True:
                yield from jobs.ready()
                own.pass_on()
                if own.stopping():
                    raise Preempted("stopped on request", "", "run it again")
                last = jobs.take_last()
                if last is not None:
                    own.next_job()
                    yield last[0], jobs.work(last[1], own)
                elif not jobs.wait():
                    return
        finally:
            jobs.give_up()


def run_jobs(
    work: Callable[[Job, Reporter], Result], jobs: Mapping[int, Job], processes: int, reporter: Reporter, total: float
) -> Iterator[tuple[int, Result]]:
    """`Workers.run` for one set of jobs."""
    with Workers(reporter) as workers:
        yield from workers.run(work, jobs, processes, total)


class _Jobs(Generic[Job, Result]):
    """The jobs of one call: those that are left, and those that the workers have."""

    def __init__(self, pool: ProcessPoolExecutor, work: Callable[[Job, Reporter], Result], jobs: Mapping[int, Job]) -> None:
        self.pool, self.work = pool, work
        self._left = deque(jobs.items())
        self._waiting: dict[Future[Result], int] = {}
        self._lock = threading.Lock()

    def hand_out(self) -> None:
        """Give the first job that is left to a worker. Each has one job: a second one in its queue could not be taken back."""
        with self._lock:
            if not self._left:
                return
            number, job = self._left.popleft()
            future = self.pool.submit(_run, self.work, job)
            self._waiting[future] = number
        future.add_done_callback(self._next)

    def take_last(self) -> tuple[int, Job] | None:
        """The last job that is left."""
        with self._lock:
            return self._left.pop() if self._left else None

    def give_up(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._left.clear()

    def ready(self) -> Iterator[tuple[int, Result]]:
        """Results of the workers that nobody took yet."""
        with self._lock:
            found = [future for future in self._waiting if future.done()]
        for future in found:
            yield self._waiting.pop(future), future.result()

    def wait(self) -> bool:
        """Wait for a moment; False if nothing is left to wait for."""
        with self._lock:
            waiting = list(self._waiting)
        wait(waiting, LOOK_EVERY_S, FIRST_COMPLETED)
        return bool(waiting)

    def _next(self, done: Future[Result]) -> None:
        """Called in a thread of the pool. After an error nothing is handed out: the pool may be broken, and holds its locks."""
        if not done.cancelled() and done.exception() is None:
            self.hand_out()


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


class _OwnReporter(_WorkerReporter):
    """Of the jobs of the parent: passes on the progress of all."""

    def __init__(self, shared: _Shared, reporter: Reporter, total: float) -> None:
        super().__init__(shared.done, shared.pulse, shared.stop)
        self.shared, self.reporter, self.total = shared, reporter, total

    def next_job(self) -> None:
        self.before = 0.0

    def pass_on(self) -> None:
        self.shared.report(self.reporter, self.total)

    def beat(self) -> None:
        super().beat()
        self.pass_on()

    def stopping(self) -> bool:
        return self.reporter.stopping()


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
