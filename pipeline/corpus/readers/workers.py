"""Worker processes for work that holds the GIL: results keep their order, and no worker outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_in_order(work: Callable[[Task], Result], tasks: Sequence[Task], processes: int) -> Iterator[Result]:
    """Apply ``work`` to each task; results come in the order of the tasks, whatever the number of processes.

    Args:
        work: a function at module level (it is pickled by name).
        tasks: what to apply it to.
        processes: number of processes; with 1 this process does the work.

    Raises:
        Unavailable: a worker was killed, e.g. OOMKilled.
    """
    if processes == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    # spawned, not forked: this process has threads, and a fork may inherit a lock that is never released
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(tasks)), context, initializer=_end_with_parent)
    try:
        yield from pool.map(work, tasks)
    except BrokenProcessPool as error:
        raise Unavailable("a worker process was killed", "", "check whether memory ran out (OOMKilled), then run it again") from error
    finally:
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0))


def _end_with_parent() -> None:
    """Ignore signals, which the parent handles, and exit when the parent dies, even by SIGKILL."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - only spawned workers come here

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
