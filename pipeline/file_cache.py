"""A cache of facts about local files (digests, parsed code), so that unchanged files are not read again.

An entry is valid only while path, inode, size, modification and change time are all the same. It is stored only when the file
has not changed for some seconds: two writes within one tick of the clock have the same time. The cache only saves time.
Readers verify the bytes of a source themselves, and a component computes the fingerprint of its code without the cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STILL_NS = 3_000_000_000
"""How long a file must have been unchanged before a fact about it is stored, in nanoseconds."""


class FileCache:
    """Facts about files, in a small JSON file or in memory only."""

    def __init__(self, place: Path | None = None) -> None:
        """Read the stored facts.

        Args:
            place: the JSON file, which need not exist; None keeps the facts in memory only.
        """
        self.place = place
        self.known: dict[str, dict[str, Any]] = _read(place) if place else {}
        self.changed = False
        self.modules: dict[tuple[str, Path], Path | None] = {}
        """Files of dotted names in a folder of sources, as far as anybody looked; in memory only, for one walk through the line."""

    def get(self, path: Path, fact: str, compute: Callable[[Path], Any]) -> Any:  # noqa: ANN401 - anything JSON can hold
        """Return a fact about the file, from the cache or computed now.

        Args:
            path: the file.
            fact: name of the fact, chosen by the caller.
            compute: reads the file and returns the fact, a JSON value.
        """
        stat = path.stat()
        state = [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        known = self.known.get(str(path))
        if known and known["state"] == state and fact in known["facts"]:
            return known["facts"][fact]
        found = compute(path)
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > STILL_NS:
            facts = known["facts"] if known and known["state"] == state else {}
            self.known[str(path)] = {"state": state, "facts": {**facts, fact: found}}
            self.changed = True
        return found

    def save(self) -> None:
        """Write the facts to the JSON file, atomically; do nothing when none was added."""
        if not (self.changed and self.place):
            return
        self.changed = False
        fresh = self.place.with_suffix(f".{os.getpid()}-{threading.get_native_id()}")
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(self.known))  # unsorted: the order of a table counts
            fresh.replace(self.place)
        except OSError:
            # a full or read-only disk costs only the time that the cache would have saved
            with contextlib.suppress(OSError):
                fresh.unlink()


def _read(place: Path) -> dict[str, dict[str, Any]]:
    """The stored facts; none when the file is missing or truncated, since they can be computed again."""
    try:
        known = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    fits = isinstance(known, dict) and all(isinstance(entry, dict) and {"state", "facts"} <= entry.keys() for entry in known.values())
    return known if fits else {}
