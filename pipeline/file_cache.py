"""What was found out about local files, remembered so that unchanged ones are not read again.

An entry counts only while path, inode, size, modification and change time are all the same, and is kept only when the file
had been still for some seconds: a write within one tick of the clock could go unseen otherwise. What is remembered only
saves time: readers check the bytes of a source themselves, and a component computes the fingerprint of its code anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STILL_NS = 3_000_000_000
"""How long a file must have been unchanged before anything is remembered of it."""


class FileCache:
    """Facts about files, in a small JSON file or in memory only."""

    def __init__(self, place: Path | None = None) -> None:
        """Read what was remembered.

        Args:
            place: the JSON file, which need not exist; None remembers until the process ends.
        """
        self.place = place
        self.known: dict[str, dict[str, Any]] = _read(place) if place else {}
        self.changed = False

    def get(self, path: Path, fact: str, find_out: Callable[[Path], Any]) -> Any:  # noqa: ANN401 - anything JSON can hold
        """A fact about the file: remembered, or found out now.

        Args:
            path: the file.
            fact: what is asked, a name of the caller's.
            find_out: reads the file; gives something JSON can hold.
        """
        stat = path.stat()
        state = [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        known = self.known.get(str(path))
        if known and known["state"] == state and fact in known["facts"]:
            return known["facts"][fact]
        found = find_out(path)
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > STILL_NS:
            facts = known["facts"] if known and known["state"] == state else {}
            self.known[str(path)] = {"state": state, "facts": {**facts, fact: found}}
            self.changed = True
        return found

    def save(self) -> None:
        """Write what was learned, whole or not at all."""
        if not (self.changed and self.place):
            return
        self.changed = False
        fresh = self.place.with_suffix(f".{os.getpid()}")
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(self.known, sort_keys=True))
            fresh.replace(self.place)
        except OSError:
            # a disk that is full, or read-only, costs only the time that would have been saved
            with contextlib.suppress(OSError):
                fresh.unlink()


def _read(place: Path) -> dict[str, dict[str, Any]]:
    """What the file holds; nothing when it is missing or was cut short, for it can be made again."""
    try:
        known = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    fits = isinstance(known, dict) and all(isinstance(entry, dict) and {"state", "facts"} <= entry.keys() for entry in known.values())
    return known if fits else {}
