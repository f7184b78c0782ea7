"""Fixtures for all tests. `tests` is put on the path so that fixtures can be imported by name.

The checkout stands before it: otherwise the folder `tests/components` would hide the package `components` wherever pytest is
not started with ``python -m``.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from xdist.remote import Producer
from xdist.workermanage import NodeManager

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from fixtures.one_process import FilesAndPackages  # noqa: E402 - after `tests` is on the path
from fixtures.unit import mark_unit_tests  # noqa: E402


def told_to_end(*_: object) -> None:
    """A session that is told to end (a time limit, a closed terminal) still takes down the servers its fixtures started."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        for child in psutil.Process().children():
            # a child that has ended, and that nobody waited for, has no command line
            with suppress(psutil.Error):
                if any(mark in " ".join(child.cmdline()) for mark in ("pytest-xdist", "exec(eval(sys.stdin.readline()))")):
                    child.terminate()
    pytest.exit("told to end", 128 + signal.SIGTERM)


signal.signal(signal.SIGTERM, told_to_end)
# a shell lets its background jobs ignore Ctrl-C, and they what they start; tests send it to what they start
signal.signal(signal.SIGINT, signal.default_int_handler)
# a worker process is killed this many seconds after the end; to stop a whole stack takes more than the ten it is given otherwise
NodeManager.EXIT_TIMEOUT = 60

pytest_plugins = [
    "fixtures.s3",
    "fixtures.mlflow",
    "fixtures.tiny",
    "fixtures.name_tagger",
    "fixtures.prestarted",
    "fixtures.line",
    "fixtures.watched_model",
    "fixtures.foreign",
    "fixtures.airflow_home",
    "fixtures.docker",
    "fixtures.cluster",
    "fixtures.postgres",
    "fixtures.s3_requests",
    "fixtures.scratch_checkout",
    "fixtures.hub",
]


# before `-m unit` chooses by the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the unit tests; run what needs whole stacks first: it takes longest, and small tests then fill up the other core."""
    mark_unit_tests(items)
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesAndPackages | None:
    """Let a package of tests share what it starts."""
    return FilesAndPackages(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def every_lease_is_released() -> Iterator[None]:
    """A lease that nobody released is renewed by its thread during later tests, and warns in their logs."""
    yield
    renewing = [thread for thread in threading.enumerate() if thread.name == "lease"]
    for thread in renewing:
        thread.join(10)
    assert not any(thread.is_alive() for thread in renewing), "this test left a lease that is still renewed; fix: release it"


def pytest_sessionfinish() -> None:
    """Threads that wait for a server of the tests outlive it, and log to streams that are closed: that is no error to report."""
    logging.raiseExceptions = False
