"""A verified local cache of blobs with a size limit.

A blob is hashed while it is downloaded and appears under its digest only if the digest is right. On reuse its size and time
stamp are compared with those recorded at download; if they differ the file is hashed again. Artifacts are opened as hard links,
so a blob in use has more than one link and is never evicted; the rest is evicted in order of last use.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from typing import IO, TYPE_CHECKING

from pipeline.artifacts.base import Conflict, CorruptObject, NotFound, no_beat
from pipeline.artifacts.manifest import blob_key
from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import FileEntry

READINGS = 2
CONFLICTS = 5
PIECE = 4 << 20
ABANDONED_S = 24 * 3600
LINKLESS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP})


class WrongBytes(Exception):
    """A blob is missing from the store, or its bytes do not have the digest in its name."""


class Cache:
    """Blobs by digest in a folder; safe for several processes at once, because every appearance is a rename."""

    def __init__(self, folder: Path, limit_mb: int) -> None:
        """The folder is created with the first download."""
        self.folder = folder
        self.limit = limit_mb << 20

    def fetch(self, store: Store, entry: FileEntry, place: Path, beat: Callable[[], None] = no_beat) -> None:
        """Put the file ``entry`` at ``place``, read-only and verified.

        Raises:
            WrongBytes: the store has no such blob, or other bytes.
        """
        cached = self.folder / entry.sha256[:2] / entry.sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        # another process may evict the blob before it is linked: then it is fetched again
        while True:
            if not self._good(cached, entry, beat):
                self._download(store, entry, cached, beat)
            place.unlink(missing_ok=True)
            try:
                _link(cached, place)
                os.utime(cached)
            except FileNotFoundError:
                continue
            self._note(cached)
            return

    def trim(self) -> None:
        """Evict what was used longest ago until the cache fits its limit; keep what is in use or being downloaded."""
        self._sweep()
        files = [(path, stat) for path in self.folder.glob("??/*") if not path.suffix and (stat := _stat(path))]
        total = sum(stat.st_size for _, stat in files)
        for path, stat in sorted(files, key=lambda pair: pair[1].st_mtime_ns):
            if total <= self.limit:
                return
            if stat.st_nlink == 1:
                path.unlink(missing_ok=True)
                path.with_suffix(".stamp").unlink(missing_ok=True)
                total -= stat.st_size

    def _sweep(self) -> None:
        """Remove the files of killed downloads; a live download writes all the time, so its file is recent."""
        for path in self.folder.glob("??/*.part"):
            stat = _stat(path)
            if stat and time.time() - stat.st_mtime > ABANDONED_S:
                path.unlink(missing_ok=True)

    def _good(self, cached: Path, entry: FileEntry, beat: Callable[[], None]) -> bool:
        """Whether the cached file is good; a file that changed since its download is hashed, and removed if wrong."""
        stat = _stat(cached)
        if stat is None:
            return False
        try:
            if cached.with_suffix(".stamp").read_text() == _stamp(stat):
                return True
        except FileNotFoundError:
            pass
        try:
            if stat.st_size == entry.size and hash_file(cached, beat) == entry.sha256:
                return True
        except FileNotFoundError:
            return False
        cached.unlink(missing_ok=True)
        return False

    def _download(self, store: Store, entry: FileEntry, cached: Path, beat: Callable[[], None]) -> None:
        cached.parent.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{uuid.uuid4().hex}.part")
        try:
            with temporary.open("wb") as file:
                read_blob(store, entry, file, beat)
            temporary.chmod(0o444)
            temporary.replace(cached)
        finally:
            temporary.unlink(missing_ok=True)
        self._note(cached)

    def _note(self, cached: Path) -> None:
        """Record size and time stamp of a verified file."""
        stat = _stat(cached)
        if stat is None:
            return
        temporary = cached.with_name(f"{uuid.uuid4().hex}.part")
        temporary.write_text(_stamp(stat))
        temporary.replace(cached.with_suffix(".stamp"))


def read_blob(store: Store, entry: FileEntry, sink: IO[bytes] | None = None, beat: Callable[[], None] = no_beat) -> None:
    """Read a blob, into ``sink`` if given, and compare its digest.

    Wrong bytes are read a second time: they may have been damaged in transit.

    Args:
        store: where the blob is.
        entry: names it.
        sink: takes the bytes.
        beat: called for each piece read.

    Raises:
        WrongBytes: the store has no such blob, or other bytes.
        Unavailable: the blob was replaced during each reading.
    """
    readings = conflicts = 0
    while readings < READINGS:
        digest = hashlib.sha256()
        if sink:
            sink.seek(0)
            sink.truncate()
        try:
            for piece in store.chunks(blob_key(entry.sha256)):
                digest.update(piece)
                if sink:
                    sink.write(piece)
                beat()
        except NotFound as error:
            raise WrongBytes("it is not in the store") from error
        except CorruptObject as error:
            raise WrongBytes("the store lists it but cannot read it") from error
        except Conflict as error:
            # replaced while it was read: read the new bytes
            conflicts += 1
            if conflicts > CONFLICTS:
                raise Unavailable(f"{blob_key(entry.sha256)} was replaced {conflicts} times while it was read") from error
            continue
        if digest.hexdigest() == entry.sha256:
            return
        readings += 1
    raise WrongBytes("its bytes do not have this digest")


def hash_file(path: Path, beat: Callable[[], None] = no_beat) -> str:
    """Sha256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            beat()
    return digest.hexdigest()


def _link(cached: Path, place: Path) -> None:
    """A hard link; a copy if the file systems differ, or if this one allows no (more) links."""
    try:
        os.link(cached, place)
    except OSError as error:
        if error.errno not in LINKLESS:
            raise
        shutil.copyfile(cached, place)
        place.chmod(0o444)


def _stat(path: Path) -> os.stat_result | None:
    """None if another process has removed the file meanwhile."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _stamp(stat: os.stat_result) -> str:
    return f"{stat.st_size} {stat.st_mtime_ns}"
