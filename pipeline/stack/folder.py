"""The state folder: made, checked for room, and written to so that only its owner can read.

Everything a disk can refuse is asked here, before a server starts, because a server that meets a full disk or a foreign
folder dies with a page of log where one line would do.
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
"""Below this SeaweedFS and SQLite fail in the middle of something: a run of the smallest recipe writes about 300 MB."""


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` at once with ``text``, readable by its owner only (mode 0600)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def make_ready(state: Path) -> None:
    """Create the state folder and see that it can be written to and has room.

    Raises:
        BadInput: it cannot be created or written to.
        Unavailable: the disk is full.
    """
    with translated(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "logs").mkdir(exist_ok=True)
        write_private(state / "stack" / "writable", "")
        free_mb = shutil.disk_usage(state).free // 2**20
    if free_mb < LEAST_FREE_MB:
        raise _full(state, f"{free_mb} MB free")


@contextmanager
def translated(state: Path) -> Iterator[None]:
    """Turn what the disk says while the state folder is written to into our one-line errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _full(state, "no space left") from error
        raise BadInput(
            f"state folder {state} cannot be written to ({error.strerror or error})",
            "a folder of yours",
            "set TRAINSHED_STATE to another folder",
        ) from error


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Let one `up` or `down` of a state folder work at a time; the next waits for it.

    The lock is the kernel's (``flock``): it is gone when its holder is, however that ended.
    """
    with translated(state):
        (state / "stack").mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (state / "stack" / "lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _full(state: Path, found: str) -> Unavailable:
    return Unavailable(
        f"disk of {state} is full ({found})",
        f"at least {LEAST_FREE_MB} MB",
        "free some space, or set TRAINSHED_STATE to a folder on another disk",
    )
