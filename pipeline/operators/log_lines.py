"""Log lines of a component, written to the task's log at the level at which the component logged them."""

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
    """Log one line of a component; the reference that it prints at its end is for scripts and is not logged."""
    if not is_reference(line):
        log.log(level_of(line), "%s", line)


def level_of(line: str) -> int:
    """Level of a component's log line; INFO for a line in another format."""
    found = LEVEL.match(line)
    return logging.getLevelNamesMapping()[found[1]] if found else logging.INFO


def error_in(line: str) -> str:
    """Message of a line that a component logged as an error, without time, level and logger; empty for any other line."""
    return line.split(" ", 3)[-1] if level_of(line) >= logging.ERROR else ""


def whole_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines of text from chunks of bytes that may split a line anywhere; each line as soon as it is complete."""
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
