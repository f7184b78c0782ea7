"""Start a command, follow what it says, and never leave it behind.

Shared by the two places that run a component on this machine: the local interpreter and Airflow's launcher ``process``. Three
things make sure that no process outlives its reason: the child leads its own session, so that whatever it started dies with
it; it holds the reading end of a pipe whose other end is ours, so that even our own SIGKILL reaches it as "the launcher is
gone"; and every way out of `run_process`, exceptions included, ends it first (SIGTERM, a grace to checkpoint, SIGKILL).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

POLL_S = 0.2
LONGEST_LINE = 64 * 1024


def run_process(
    command: Sequence[str],
    env: Mapping[str, str],
    on_line: Callable[[str], None],
    should_stop: Callable[[], bool],
    *,
    folder: Path | None = None,
    grace_s: float = 30.0,
) -> int:
    """Run ``command`` to its end and return its exit code.

    Args:
        command: program and arguments.
        env: variables added to the current environment.
        on_line: called with each line of standard output and standard error, in order, without its line end.
        should_stop: asked five times a second; once it says True the child gets SIGTERM.
        folder: working directory of the child; by default ours.
        grace_s: how long a child that was told to stop may take to checkpoint before SIGKILL, in seconds.

    Returns:
        The exit code; the negative number of the signal for a child that died of one.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        kill_at = float("inf")
        for line in _lines(process, process.stdout):
            if line is not None:
                on_line(line)
            if kill_at == float("inf") and should_stop():
                process.terminate()
                kill_at = time.monotonic() + grace_s
            if time.monotonic() > kill_at:
                _kill_session(process)
        return process.wait()
    finally:
        _end(process, grace_s)


def _lines(process: subprocess.Popen[bytes], stream: IO[bytes]) -> Iterator[str | None]:
    """Each line as it comes, and None whenever nothing came for a moment, until the child has ended."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            # what a dead child left in the pipe is read without waiting: a grandchild may still hold the other end
            if selector.select(0 if ended else POLL_S):
                chunk = os.read(stream.fileno(), LONGEST_LINE)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (_text(line) for line in whole)
                if len(rest) >= LONGEST_LINE:
                    yield _text(rest)
                    rest = b""
            elif ended:
                break
            yield None
    if rest:
        yield _text(rest)
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
        yield None


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Whatever happened, leave nothing: the child if it still runs, then what it started."""
    assert process.stdin is not None  # noqa: S101 - pipes were asked for
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(OSError):
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    _kill_session(process)
    process.wait()
    process.stdout.close()


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL everything in the child's process group; no error when it is empty already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
