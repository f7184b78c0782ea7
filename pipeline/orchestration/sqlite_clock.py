"""SQLite's clock in milliseconds, for the scheduler of a laptop.

Airflow starts a queued run when its ``run_after`` is not later than the database's clock. SQLite's ``CURRENT_TIMESTAMP`` has whole seconds, so a run
that a person or an event triggers waits for the next second: half a second on average. Other databases have a precise clock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import now

PRECISE = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
"""UTC, in the form in which SQLAlchemy stores times in SQLite."""


def use_precise_clock() -> None:
    """Make ``func.now()`` precise in SQLite, for all queries of this process."""
    compiles(now, "sqlite")(_precise)


def _precise(*_: Any, **__: Any) -> str:  # noqa: ANN401 - SQLAlchemy's element, compiler and options
    return PRECISE
