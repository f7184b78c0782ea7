"""Run a child process, follow its output and end it, with real processes."""

import contextlib
import os
import signal
import sys

import psutil
import pytest

from pipeline.local.child_process import run_process


def run(code: str, should_stop=lambda: False, **options):
    lines: list[str] = []
    code = run_process([sys.executable, "-u", "-c", code], {}, lines.append, should_stop, **options)
    return code, lines


def test_lines_of_both_streams_come_in_order_and_the_exit_code_comes_back():
    code, lines = run("import sys; print('one'); print('two', file=sys.stderr); print('three', end=''); sys.exit(75)")
    assert (code, lines) == (75, ["one", "two", "three"])


def test_lines_come_while_the_child_still_runs():
    answers: list[str] = []

    def stop() -> bool:
        return "ready" in answers

    code = run_process([sys.executable, "-u", "-c", "import signal; print('ready'); signal.pause()"], {}, answers.append, stop, grace_s=20)
    assert code == -signal.SIGTERM
    assert answers == ["ready"]


def test_death_by_a_signal_is_a_negative_code():
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")[0] == -signal.SIGKILL


def test_a_child_told_to_stop_may_checkpoint_first():
    lines: list[str] = []
    program = (
        "import signal, sys\n"
        "def stop(*_): print('checkpoint written'); sys.exit(75)\n"
        "signal.signal(signal.SIGTERM, stop); print('ready'); signal.pause()"
    )
    code = run_process([sys.executable, "-u", "-c", program], {}, lines.append, lambda: bool(lines))
    assert (code, lines) == (75, ["ready", "checkpoint written"])


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace():
    lines: list[str] = []
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready')\nwhile True: signal.pause()"
    code = run_process([sys.executable, "-u", "-c", program], {}, lines.append, lambda: bool(lines), grace_s=0.3)
    assert code == -signal.SIGKILL


def test_an_exception_in_the_follower_leaves_no_child():
    pids: list[int] = []

    def follow(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    program = "import os, signal; print(os.getpid()); signal.pause()"
    with pytest.raises(KeyboardInterrupt):
        run_process([sys.executable, "-u", "-c", program], {}, follow, lambda: False)
    assert not psutil.pid_exists(pids[0])


def test_what_the_child_started_ends_with_it_and_does_not_hold_us_up():
    program = "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    code, lines = run(program)
    assert code == 0
    with contextlib.suppress(psutil.NoSuchProcess):
        stray = psutil.Process(int(lines[0]))
        while stray.status() != psutil.STATUS_ZOMBIE:  # until it is gone, or dead and only its parent is missing
            os.sched_yield()


def test_the_child_notices_the_death_of_its_launcher(tmp_path):
    """SIGKILL of the process that called `run_process` ends the child's standard input."""
    child = f"import sys; open({str(tmp_path / 'ready')!r}, 'w').close(); sys.stdin.read(); open({str(tmp_path / 'felt')!r}, 'w').close()"
    launcher = (
        "import sys; from pipeline.local.child_process import run_process\n"
        f"run_process([sys.executable, '-c', {child!r}], {{}}, print, lambda: False)"
    )
    process = psutil.Popen([sys.executable, "-c", launcher])
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        os.sched_yield()
    child_process = process.children()[0]
    process.kill()
    process.wait()
    assert psutil.wait_procs([child_process], timeout=30)[1] == []
    assert (tmp_path / "felt").exists()


def test_variables_are_added_to_the_environment(monkeypatch):
    monkeypatch.setenv("OUTER", "from outside")
    lines: list[str] = []
    program = "import os; print(os.environ['OUTER'], os.environ['INNER'])"
    assert run_process([sys.executable, "-c", program], {"INNER": "added"}, lines.append, lambda: False) == 0
    assert lines == ["from outside added"]
