"""Structured logs: one line an event, with its fields as ``key=value`` (logfmt), on standard error."""

from __future__ import annotations

import logging
import sys


class Logfmt(logging.Formatter):
    """``2026-01-02T03:04:05 INFO training message key=value ...``."""

    always: dict[str, object] = {}
    """Fields of every line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows on separate lines."""
        fields = {**getattr(record, "fields", {}), **self.always}
        pairs = "".join(f" {key}={_shown(value)}" for key, value in fields.items())
        name = record.name.removeprefix("pipeline.").removeprefix("components.")
        line = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')} {record.levelname} {name} {record.getMessage()}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up_logs() -> None:
    """Send our own logs from INFO up, and everyone else's from WARNING up, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("pipeline", "components"):
        logging.getLogger(name).setLevel(logging.INFO)


def mark_logs(rank: int) -> None:
    """Add the rank to every line, and log only warnings and errors: rank 0 logs the rest."""
    Logfmt.always = {"rank": rank}
    for name in ("pipeline", "components"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _shown(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if " " in text else text
