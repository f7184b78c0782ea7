"""Marked processes are found, and ended with all descendants."""

import subprocess
import sys

import psutil
import pytest

from pipeline.stack import processes, server_processes

FOREVER = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {FOREVER}"
ORPHANING = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {FOREVER!r}], start_new_session=True)
"""


@pytest.fixture
def state(tmp_path):
    yield tmp_path
    for marked in processes.find_marked(tmp_path):
        marked.process.kill()


def launch(state, code, server="one"):
    return processes.start(
        [sys.executable, "-c", code], {}, state=state, server=server, configuration="c", log=state / "logs" / f"{server}.log"
    )


def pids(state):
    return {marked.process.pid for marked in processes.find_marked(state)}


def test_a_process_is_found_by_its_folder_only(state, tmp_path_factory):
    process = launch(state, FOREVER)
    assert pids(state) == {process.pid}
    assert pids(tmp_path_factory.mktemp("other")) == set()


def test_an_orphan_in_another_session_is_found_and_ended(state):
    parent = launch(state, ORPHANING)
    parent.wait()
    assert pids(state)
    assert parent.pid not in pids(state)
    assert processes.end(lambda: [marked.process for marked in processes.find_marked(state)], 5) == 1
    assert pids(state) == set()


def test_a_process_that_ignores_sigterm_is_killed(state):
    process = launch(state, STUBBORN)
    log = state / "logs" / "one.log"
    while "ready" not in log.read_text():
        assert process.poll() is None
    processes.end(lambda: [marked.process for marked in processes.find_marked(state)], 0.1)
    assert pids(state) == set()


def test_the_main_process_is_distinguished_from_its_descendants(state):
    process = launch(state, FOREVER)
    launch(state, FOREVER)
    server_processes.record(state, "one", process)
    found = server_processes.find_all(state)["one"]
    assert found.main == process
    assert len(found.processes) == 2


def test_a_stale_record_makes_every_process_a_stray(state):
    process = launch(state, FOREVER)
    ended = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server_processes.record(state, "one", psutil.Process(ended.pid))
    ended.kill()
    ended.wait()
    found = server_processes.find_all(state)["one"]
    assert found.main is None
    assert [member.pid for member in found.processes] == [process.pid]


def test_the_end_of_a_log_is_one_line_from_where_this_start_began(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("of an earlier start\n")
    offset = log.stat().st_size
    with log.open("a") as file:
        file.write("first\n\nsecond\n")
    assert processes.tail(log, offset) == "first | second"
    assert processes.tail(tmp_path / "none.log") == "(no log)"
