"""Opening a pinned file or object at its revision; decompressed while reading, never unpacked to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import zstandard

from pipeline.corpus.readers.zstd import ZstdFile
from pipeline.errors import BadInput
from pipeline.sources.bucket import open_object, translated
from pipeline.sources.local_files import changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.readers.read_progress import ReadProgress
    from pipeline.settings import Settings
    from pipeline.sources.base import PinnedItem


PIECE_BYTES = 16 << 20
"""Bytes that are hashed between two reports."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_item(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[IO[bytes]]:
    """Open an item for sequential reading; names ending in ``.gz`` or ``.zst``, in any case, are decompressed.

    Args:
        item: the pinned item.
        settings: address of the S3 server.
        progress: gets the number of bytes read.

    Raises:
        BadInput: the compressed stream is broken.
        Unavailable: the bytes differ from the pinned ones.
    """
    with open_raw(item, settings, progress) as raw:
        counted = io.BufferedReader(_CountingReader(raw, progress), 1 << 18)
        try:
            name = item.name.lower()
            if name.endswith(".gz"):
                yield gzip.GzipFile(fileobj=counted)  # type: ignore[misc]  # typeshed: a GzipFile is not an IO[bytes], though it has all its methods
            elif name.endswith(".zst"):
                yield io.BufferedReader(ZstdFile(counted), 1 << 18)
            else:
                yield counted
        except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise BadInput(f"{item.name} cannot be decompressed: {error}", "a complete file", "write the file again") from error


@contextmanager
def open_raw(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[IO[bytes]]:
    """The stored bytes, not decompressed. Only a local file can seek.

    Raises:
        Unavailable: the bytes differ from the pinned ones.
    """
    if item.name.startswith("s3://"):
        with translated(item.name, settings):
            yield open_object(item.name, item.revision.removeprefix("etag:"), settings)
        return
    try:
        file = Path(item.name).open("rb")  # noqa: SIM115 - closed below; only opening is inside the try
    except OSError as error:
        raise changed(item.name, error.strerror or "") from error
    with file:
        before = os.fstat(file.fileno())
        if f"sha256:{_digest(file, progress)}" != item.revision:
            raise changed(item.name, "its content is different")
        file.seek(0)
        yield file
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise changed(item.name, "it was written to while being read")


def _digest(file: IO[bytes], progress: ReadProgress) -> str:
    """SHA-256 of a file, with a report for every piece: 100 GB take minutes, and nothing is read meanwhile."""
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        progress.report()
    return digest.hexdigest()


class _CountingReader(io.RawIOBase):
    """Counts the bytes that pass through."""

    def __init__(self, source: _Readable, progress: ReadProgress) -> None:
        self.source, self.progress = source, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.source.read(len(buffer))
        buffer[: len(data)] = data
        self.progress.add(len(data))
        return len(data)
