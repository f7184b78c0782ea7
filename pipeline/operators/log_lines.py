"""Log lines of a component, shown in the task's log at the level they were logged with."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from pipeline.local.command import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# the start of a line as `pipeline.runtime.logs` writes it: "2026-01-02T03:04:05 WARNING training ..."
LEVEL = re.compile(r"^\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
LONGEST_LINE = 64 * 1024


def show_line(log: logging.Logger, line: str) -> None:
    """Log what a component said; the reference it prints at its end is for scripts, not for people."""
    if not is_reference(line):
        log.log(level_of(line), "%s", line)


def level_of(line: str) -> int:
    """Level a line of a component was logged with; INFO for what is no log line of ours."""
    found = LEVEL.match(line)
    return logging.getLevelNamesMapping()[found[1]] if found else logging.INFO


def error_in(line: str) -> str:
    """What a component logged as an error, without the time, the level and who said it; empty for any other line."""
    return line.split(" ", 3)[-1] if level_of(line) >= logging.ERROR else ""


def whole_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines of text out of pieces of bytes that break anywhere, each as soon as it is whole; the last need not end."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (_text(line) for line in whole)
        if len(rest) >= LONGEST_LINE:
            yield _text(rest)
            rest = b""
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
