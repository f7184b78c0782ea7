"""A store in a local folder, for tests and for work without a server.

A file appears whole or not at all: bytes go to a temporary file, are flushed to disk, then linked or renamed. `os.link` fails if
the name is taken, which gives put-if-absent; the other conditional operations compare and act under a lock file. An etag names
the file itself (inode, time stamp, size), so the same bytes written again have another etag.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict, NotFound, Stat, Stored, no_beat
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.settings import Settings

TEMPORARY = ".writing-"
PIECE = 1 << 20


class FolderStore:
    """Implements `pipeline.artifacts.base.Store` on a folder."""

    def __init__(self, settings: Settings) -> None:
        """Create the folder.

        Raises:
            BadInput: it cannot be written to.
        """
        self.url = settings.store.rstrip("/")
        self.root = Path(self.url.removeprefix("file://"))
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"store {self.url}: {error.strerror}", "a writable folder", "set TRAINSHED_STORE") from error

    def get(self, key: str) -> Stored:
        """Read an object whole."""
        try:
            with (self.root / key).open("rb") as file:
                return Stored(file.read(), _etag(os.fstat(file.fileno())))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"no object {key} in {self.url}") from error

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write an object; see `Store.put`."""
        with self._temporary(key) as temporary:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                etag = _etag(os.fstat(file.fileno()))
            self._appear(temporary, key, if_absent=if_absent, if_match=if_match)
        return etag

    def head(self, key: str) -> Stat | None:
        """Metadata of an object."""
        try:
            found = (self.root / key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stat(key, found.st_size, _etag(found), datetime.fromtimestamp(found.st_mtime, UTC))

    def list(self, prefix: str) -> Iterator[Stat]:
        """All objects whose key starts with ``prefix``, in order of their keys."""
        start = self.root / prefix.rpartition("/")[0]
        keys = [path.relative_to(self.root).as_posix() for path in start.rglob("*") if path.is_file() and not path.name.startswith(".")]
        for key in sorted(key for key in keys if key.startswith(prefix)):
            found = self.head(key)
            if found:
                yield found

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete an object; no error if it does not exist."""
        place = self.root / key
        if not place.parent.is_dir():
            return
        with self._locked(place):
            if if_match is not None:
                self._compare(key, if_match)
            place.unlink(missing_ok=True)

    def upload(self, path: Path, key: str, *, replaces: Stat | None = None, beat: Callable[[], None] = no_beat) -> bool:
        """Copy a file in if the key is absent, or to replace an object."""
        if replaces is None and (self.root / key).exists():
            return False
        with self._temporary(key) as temporary:
            with path.open("rb") as source, temporary.open("wb") as file:
                while piece := source.read(PIECE):
                    file.write(piece)
                    beat()
                file.flush()
                os.fsync(file.fileno())
            try:
                self._appear(temporary, key, if_absent=replaces is None)
            except Conflict:
                return False
        return True

    def chunks(self, key: str, size: int = PIECE) -> Iterator[bytes]:
        """Read an object piece by piece."""
        try:
            file = (self.root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"no object {key} in {self.url}") from error
        with file:
            while piece := file.read(size):
                yield piece

    @contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _appear(self, temporary: Path, key: str, *, if_absent: bool = False, if_match: str | None = None) -> None:
        """Give a finished file its name."""
        place = self.root / key
        if if_absent:
            try:
                os.link(temporary, place)
            except FileExistsError as error:
                raise Conflict(f"{key} exists already") from error
            return
        with self._locked(place):
            if if_match is not None:
                self._compare(key, if_match)
            temporary.replace(place)

    def _compare(self, key: str, etag: str) -> None:
        found = self.head(key)
        if found is None or found.etag != etag:
            raise Conflict(f"{key} changed since it was read")

    @contextmanager
    def _locked(self, place: Path) -> Iterator[None]:
        with place.with_name(f".lock-{place.name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _etag(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
