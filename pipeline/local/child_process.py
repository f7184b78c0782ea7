"""Run a command as a child process, pass on its output, and never leave it running.

The local runner and the launcher ``process`` use it. Three things make sure that no child outlives its parent:

- The child leads a new session, so that everything it starts can be killed with it.
- The child holds the reading end of a pipe. When the parent dies, even by SIGKILL, the pipe closes and the child notices.
- Every way out of `run_process`, exceptions included, ends the child first: SIGTERM, time to checkpoint, SIGKILL.
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
        should_stop: called five times a second; after the first True the child gets SIGTERM.
        folder: working directory of the child; by default that of this process.
        grace_s: time between SIGTERM and SIGKILL, in seconds; the child checkpoints in it.

    Returns:
        The exit code; if a signal killed the child, the negative number of the signal.
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
    assert process.stdout is not None  # noqa: S101 - Popen was called with a pipe
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
    """Yield each line as it comes, and None at least every `POLL_S` seconds, until the child has ended."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            # after the end of the child, read what is in the pipe without waiting: a grandchild may still hold the other end
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
    """End the child if it still runs, then everything it started."""
    assert process.stdin is not None  # noqa: S101 - Popen was called with pipes
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
    """SIGKILL everything in the child's process group; an empty group is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
