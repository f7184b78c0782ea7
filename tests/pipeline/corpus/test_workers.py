"""Jobs in worker processes: results, progress, and their ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from pipeline.corpus.readers.workers import Workers, run_jobs
from pipeline.errors import BadInput, Preempted, Unavailable
from pipeline.reporter import SilentReporter

if TYPE_CHECKING:
    from pathlib import Path


PARENT = """
import multiprocessing
from fixtures.worker_jobs import sleep
from pipeline.corpus.readers.workers import run_jobs
from pipeline.reporter import SilentReporter
def main():
    for _ in run_jobs(sleep, dict(enumerate([1000, 1000, 0, 0])), 3, SilentReporter(), 0):
        print(*[child.pid for child in multiprocessing.active_children()], flush=True)
if __name__ == "__main__":
    main()
"""


class Seen(SilentReporter):
    """Remembers the last progress."""

    last = (0.0, 0.0)

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        self.last = (done, total)


class Stopping(SilentReporter):
    """Is asked to stop at once."""

    def stopping(self) -> bool:
        return True


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout
        workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert workers
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_a_worker_that_was_killed_is_no_bug() -> None:
    from fixtures.worker_jobs import end

    with pytest.raises(Unavailable, match="a worker process was killed"):
        list(run_jobs(end, {1: 1, 2: 2}, 2, SilentReporter(), 0))


def test_this_process_works_too_and_the_others_stay_for_later_jobs() -> None:
    from fixtures.worker_jobs import where

    with Workers(SilentReporter()) as workers:
        first = dict(workers.run(where, dict.fromkeys(range(4), 0.2), 2, 0))
        later = dict(workers.run(where, dict.fromkeys(range(4), 0.2), 1, 0))
    assert first.keys() == later.keys() == set(range(4))
    assert os.getpid() in first.values()
    assert len(set(first.values())) == 2
    assert set(first.values()) == set(later.values())


@pytest.mark.parametrize("processes", [1, 2])
def test_each_job_is_done_once_and_its_progress_is_added_up(processes: int) -> None:
    from fixtures.worker_jobs import measure

    reporter = Seen()
    jobs = {number: "x" * number for number in range(1, 6)}
    assert dict(run_jobs(measure, jobs, processes, reporter, 15)) == {number: number for number in range(1, 6)}
    assert reporter.last == (15, 15)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_comes_through(processes: int) -> None:
    from fixtures.worker_jobs import refuse

    with pytest.raises(BadInput, match=r"^job [12] is bad; expected a good one$"):
        list(run_jobs(refuse, {1: 1, 2: 2}, processes, SilentReporter(), 0))


def test_after_an_error_nothing_is_handed_out(caplog: pytest.LogCaptureFixture) -> None:
    from fixtures.worker_jobs import refuse_here

    with pytest.raises(BadInput, match="the parent's job is bad"):
        list(run_jobs(refuse_here, dict.fromkeys(range(6), 2.0), 2, SilentReporter(), 0))
    assert caplog.records == []


def test_asked_to_stop_the_workers_stop_too() -> None:
    from fixtures.worker_jobs import until_stopped

    began = time.monotonic()
    with pytest.raises(Preempted):
        list(run_jobs(until_stopped, {1: 1, 2: 2, 3: 3}, 2, Stopping(), 0))
    assert time.monotonic() - began < 60
