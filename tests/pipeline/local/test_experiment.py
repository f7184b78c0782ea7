"""Steps that several trials of an experiment need at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BadInput, Outdated, TrainshedError
from pipeline.local.experiment import _Shared

if TYPE_CHECKING:
    from collections.abc import Callable


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

    calls: list[TrainshedError] = []

    def failing(error: TrainshedError) -> Callable[[], None]:
        def run() -> None:
            calls.append(error)
            raise error

        return run

    for _ in range(2):
        with pytest.raises(BadInput, match="no such file"):
            shared.once("a", failing(BadInput("no such file")))
    assert len(calls) == 1
    for _ in range(2):
        with pytest.raises(Outdated, match="damaged"):
            shared.once("b", failing(Outdated("damaged")))
    assert len(calls) == 3
