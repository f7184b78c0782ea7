"""Remember which blobs were read and found intact, so that each plan does not read them again.

Planning verifies the inputs of a step that will run. Without this record, every `trainshed plan` after an edit of a recipe would
read the whole corpus. A blob counts as intact for a day, while its ETag is the same. The ETag does not show damage below S3, so
the day is a limit, and readers verify the bytes themselves in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.artifacts.manifest import blob_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import FileEntry

VALID_S = 24 * 3600.0
REQUESTS = 8
"""How many ETags are requested at the same time."""


class VerifiedBlobs:
    """The record, in a small JSON file."""

    def __init__(self, place: Path) -> None:
        """Read the record.

        Args:
            place: the JSON file, which need not exist.
        """
        self.place = place
        self._known: dict[str, tuple[str, float]] = _read(place)
        """ETag and time of the last verification, in seconds since the epoch, by URL of the blob."""
        self._seen: dict[str, str] = {}
        """ETag before the blob is read, by URL of the blob."""

    def unverified(self, store: Store, files: Iterable[FileEntry]) -> list[FileEntry]:
        """The files whose blobs have to be read: unknown, changed, missing, or verified more than a day ago."""
        entries = list(files)
        with ThreadPoolExecutor(REQUESTS) as pool:
            stats = list(pool.map(lambda entry: store.head(blob_key(entry.sha256)), entries))
        self._seen |= {_url(store, stat.key): stat.etag for stat in stats if stat}
        return [
            entry
            for entry, stat in zip(entries, stats, strict=True)
            if stat is None or not self._is_valid(_url(store, stat.key), stat.etag)
        ]

    def add(self, store: Store, files: Iterable[FileEntry]) -> None:
        """Record files whose bytes were read and are intact, and write the JSON file."""
        now = time.time()
        urls = [_url(store, blob_key(entry.sha256)) for entry in files]
        if not urls:
            return
        self._known |= {url: (self._seen[url], now) for url in urls if url in self._seen}
        valid = {url: known for url, known in self._known.items() if now - known[1] < VALID_S}
        draft = self.place.with_suffix(f".{os.getpid()}-{threading.get_native_id()}")
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(valid, sort_keys=True))
            draft.replace(self.place)
        except OSError:
            # a full or read-only disk costs only the time that the record would have saved
            with contextlib.suppress(OSError):
                draft.unlink()

    def _is_valid(self, url: str, etag: str) -> bool:
        known = self._known.get(url)
        return known is not None and known[0] == etag and time.time() - known[1] < VALID_S


def _url(store: Store, key: str) -> str:
    return f"{store.url}/{key}"


def _read(place: Path) -> dict[str, tuple[str, float]]:
    """The stored record; empty when the file is missing or damaged, since blobs can be verified again."""
    try:
        known = {str(url): (str(etag), float(at)) for url, (etag, at) in json.loads(place.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return known
