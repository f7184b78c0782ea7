"""The disk of the state folder: whether it is writable, and how much space is free."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

GIB = 2**30
LOW_DISK_GIB = 5
"""The demo's data, its logs and a full cache need about this much."""


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Check the state folder, or the folder in which it will be created."""
    folder = settings.state.resolve()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise BadInput(f"state folder {folder}: {place} is not writable", fix="set TRAINSHED_STATE to another folder")
    free = shutil.disk_usage(place).free / GIB
    if free < LOW_DISK_GIB:
        fix = "free some space (`trainshed artifacts gc`), or set TRAINSHED_STATE to another disk"
        yield Finding("warning", f"{free:.1f} GB free for {folder}", f"{LOW_DISK_GIB} GB for data, logs and the cache", fix)
    else:
        yield Finding("ok", f"{free:.0f} GB free for {folder}")
