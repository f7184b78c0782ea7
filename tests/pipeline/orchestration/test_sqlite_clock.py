"""The clock of SQLite, as the scheduler of a laptop reads it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from datetime import UTC, datetime, timedelta
from sqlalchemy import DateTime, bindparam, create_engine, func, select
from sqlalchemy.dialects import postgresql
from pipeline.orchestration.sqlite_clock import use_precise_clock

use_precise_clock()
before = datetime.now(UTC).replace(tzinfo=None)
with create_engine("sqlite://").connect() as database:
    found = [database.scalar(select(func.now())) for _ in range(20)]
    earlier = database.scalar(select(bindparam("time", before - timedelta(milliseconds=2), DateTime) <= func.now()))
    later = database.scalar(select(bindparam("time", before + timedelta(seconds=60), DateTime) <= func.now()))
after = datetime.now(UTC).replace(tzinfo=None)
assert all(before - timedelta(milliseconds=2) <= time <= after for time in found), (before, found, after)
assert earlier and not later
assert str(select(func.now()).compile(dialect=postgresql.dialect())) == "SELECT now() AS now_1"
"""


def test_a_run_is_due_in_the_millisecond_in_which_it_was_triggered() -> None:
    # in a process of its own: what SQLAlchemy compiles is a setting of the whole process
    subprocess.run([sys.executable, "-c", CODE], check=True)
