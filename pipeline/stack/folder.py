"""The state folder: create it, check its disk, lock it, and write files that only their owner can read.

Permissions and disk space are checked before a server starts. A server that finds the disk full exits with a page of log; this
check gives one line.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAST_FREE_MB = 512
"""A run of the smallest recipe writes about 300 MB; with less, SeaweedFS and SQLite would fail in the middle of it."""


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, readable by its owner only (mode 0600)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def prepare(state: Path) -> None:
    """Create the state folder, and check that it is writable and has free space.

    Raises:
        BadInput: it cannot be created or written.
        Unavailable: the disk is full.
    """
    with disk_errors(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "logs").mkdir(exist_ok=True)
        write_private(state / "stack" / "writable", "")
        free_mb = shutil.disk_usage(state).free // 2**20
    if free_mb < LEAST_FREE_MB:
        raise _full(state, f"{free_mb} MB free")


@contextmanager
def disk_errors(state: Path) -> Iterator[None]:
    """Translate an `OSError` from writing to the state folder into one of our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _full(state, "no space left") from error
        raise BadInput(
            f"cannot write to the state folder {state}: {error.strerror or error}",
            "",
            "set TRAINSHED_STATE to a folder you can write to",
        ) from error


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Lock the state folder, so that one `up` or `down` runs at a time and the next waits.

    It is a lock of the kernel (``flock``), released when its holder ends in any way.
    """
    with disk_errors(state):
        (state / "stack").mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (state / "stack" / "lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _full(state: Path, found: str) -> Unavailable:
    return Unavailable(
        f"disk of {state} is full ({found})",
        f"at least {LEAST_FREE_MB} MB",
        "free disk space, or set TRAINSHED_STATE to a folder on another disk",
    )
