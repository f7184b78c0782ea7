"""Digests of local files, remembered so that planning does not read unchanged gigabytes again.

An entry counts only while path, inode, size, modification and change time are all the same, and is kept only when the file
had been still for some seconds: a write within one tick of the clock could go unseen otherwise. Reading checks the bytes
themselves, so a wrong entry can delay a run but not spoil it.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STILL_NS = 3_000_000_000
"""How long a file must have been unchanged before its digest is remembered."""


class DigestMemo:
    """A small JSON file of digests."""

    def __init__(self, place: Path) -> None:
        """Read what was remembered.

        Args:
            place: the JSON file; it need not exist.
        """
        self.place = place
        self.known: dict[str, list[object]] = _read(place)
        self.changed = False

    def sha256(self, path: Path) -> str:
        """Digest of the file's bytes, as 64 hexadecimal digits."""
        stat = path.stat()
        state = [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        known = self.known.get(str(path))
        if known and known[:-1] == state:
            return str(known[-1])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > STILL_NS:
            self.known[str(path)] = [*state, digest]
            self.changed = True
        return digest

    def save(self) -> None:
        """Write what was learned, whole or not at all."""
        if self.changed:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.place.with_suffix(".new")
            fresh.write_text(json.dumps(self.known, sort_keys=True))
            fresh.replace(self.place)


def _read(place: Path) -> dict[str, list[object]]:
    """What the file holds; nothing when it is missing or was cut short, for it can be made again."""
    if not place.is_file():
        return {}
    try:
        known = json.loads(place.read_text())
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
