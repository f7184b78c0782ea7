"""Steps that several trials of an experiment need at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import BadInput
from pipeline.local.experiment import _Shared


def test_a_step_runs_for_the_first_who_needs_it_and_the_others_wait() -> None:
    shared, count, free = _Shared(), [], threading.Event()

    def run() -> None:
        assert free.wait(30)
        count.append(1)

    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(shared.once, "a", run) for _ in range(4)]
        other = pool.submit(shared.once, "b", free.set)
        assert sorted(call.result() for call in calls) == [False, False, False, True]
    assert other.result() is True
    assert count == [1]
    assert shared.once("a", run) is False


def test_who_waited_gets_the_failure_too() -> None:
    shared = _Shared()

    def run() -> None:
        raise BadInput("no such file")

    for _ in range(2):
        with pytest.raises(BadInput, match="no such file"):
            shared.once("a", run)
