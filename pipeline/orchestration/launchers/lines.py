"""Log lines of a component, shown in the task's log at the level they were logged with."""

from __future__ import annotations

import logging
import re

# the start of a line as `pipeline.runtime.logs` writes it: "2026-01-02T03:04:05 WARNING training ..."
LEVEL = re.compile(r"^\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")


def level_of(line: str) -> int:
    """Level a line of a component was logged with; INFO for what is no log line of ours."""
    found = LEVEL.match(line)
    return logging.getLevelNamesMapping()[found[1]] if found else logging.INFO
