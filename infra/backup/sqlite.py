"""Copy a SQLite database that is in use: ``python infra/backup/sqlite.py FROM TO``.

MLflow and Airflow on a laptop write their databases all the time, with a write-ahead log in a second file, so a copy of one file would
be inconsistent. SQLite's backup reads a consistent state while others keep writing.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from pipeline.errors import BadInput, TrainshedError


def copy(source: Path, target: Path) -> None:
    """Copy the database and check the copy.

    Raises:
        BadInput: there is no database at ``source``, or something at ``target``.
    """
    if not source.is_file():
        raise BadInput(f"no database at {source}", "a file", "correct the first path")
    if target.exists():
        raise BadInput(f"{target} exists", "", "delete it, or choose another path")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
            (verdict,) = new.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{source}: {error}", "a SQLite database, whole", "restore it from a backup") from error
    if verdict != "ok":
        part.unlink()
        raise BadInput(f"{source}: {verdict}", "a SQLite database, whole", "restore it from a backup")
    part.chmod(0o600)
    part.rename(target)


def main(arguments: list[str]) -> int:
    """Run the command line and print one line about the result."""
    try:
        if len(arguments) != 2:
            raise BadInput(f"{len(arguments)} arguments", "two paths: FROM and TO", "correct them")
        copy(Path(arguments[0]), Path(arguments[1]))
    except TrainshedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"copied to {arguments[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
