"""A store in a local folder, for tests and for work without a server.

A file appears whole or not at all: bytes go to a temporary file, are flushed to disk, then linked or renamed. `os.link` fails if
the name is taken, which gives put-if-absent; put-if-unchanged compares and renames under a lock file. An etag is the sha256 of
the bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict, NotFound, Stat, Stored
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

TEMPORARY = ".writing-"


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
            data = (self.root / key).read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"no object {key} in {self.url}") from error
        return Stored(data, _etag(data))

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write an object; see `Store.put`."""
        place = self._place(key)
        temporary = place.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            if if_absent:
                self._link(temporary, place, key)
            elif if_match is not None:
                with self._locked(place):
                    if not place.exists() or _etag(place.read_bytes()) != if_match:
                        raise Conflict(f"{key} changed since it was read")
                    temporary.replace(place)
            else:
                temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
        return _etag(data)

    def head(self, key: str) -> Stat | None:
        """Metadata of an object; the etag is empty."""
        try:
            found = (self.root / key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stat(key, found.st_size, "", datetime.fromtimestamp(found.st_mtime, UTC))

    def list(self, prefix: str) -> Iterator[Stat]:
        """All objects whose key starts with ``prefix``, in order of their keys."""
        start = self.root / prefix.rpartition("/")[0]
        keys = [path.relative_to(self.root).as_posix() for path in start.rglob("*") if path.is_file() and not path.name.startswith(".")]
        for key in sorted(key for key in keys if key.startswith(prefix)):
            found = self.head(key)
            if found:
                yield found

    def delete(self, key: str) -> None:
        """Delete an object; no error if it does not exist."""
        (self.root / key).unlink(missing_ok=True)

    def upload(self, path: Path, key: str) -> bool:
        """Copy a file in if the key is absent."""
        place = self._place(key)
        if place.exists():
            return False
        temporary = place.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
        try:
            shutil.copyfile(path, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            self._link(temporary, place, key)
        except Conflict:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def chunks(self, key: str, size: int = 1 << 20) -> Iterator[bytes]:
        """Read an object piece by piece."""
        try:
            file = (self.root / key).open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"no object {key} in {self.url}") from error
        with file:
            while piece := file.read(size):
                yield piece

    def _place(self, key: str) -> Path:
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _link(self, temporary: Path, place: Path, key: str) -> None:
        try:
            os.link(temporary, place)
        except FileExistsError as error:
            raise Conflict(f"{key} exists already") from error

    @contextmanager
    def _locked(self, place: Path) -> Iterator[None]:
        with place.with_name(f".lock-{place.name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
