"""Opening a pinned file or object at its revision; decompressed while reading, never unpacked to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import zstandard

from pipeline.corpus.readers.block_streams import MEMORY, BrokenStream, bz2_file, xz_file
from pipeline.corpus.readers.expansion import LimitedExpansion
from pipeline.corpus.readers.zstd import ZstdFile
from pipeline.errors import BadInput
from pipeline.sources.bucket import open_object, translated
from pipeline.sources.local_files import changed
from pipeline.sources.names import unquoted
from pipeline.sources.roots import is_web
from pipeline.sources.web import open_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.corpus.readers.read_progress import ReadProgress
    from pipeline.settings import Settings
    from pipeline.sources.base import PinnedItem


PIECE_BYTES = 16 << 20
"""Bytes that are hashed between two reports."""


DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".zst": ZstdFile,
    ".bz2": bz2_file,
    ".xz": xz_file,
}
"""Ending of a name → what reads it."""

MAGIC = {b"\x1f\x8b\x08": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"\xfd7zXZ\x00": ".xz"}
"""First bytes of a compressed file whose name does not say so; no text begins with them."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_item(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[io.BufferedReader]:
    """Open an item for sequential reading; names ending in ``.gz``, ``.zst``, ``.bz2`` or ``.xz``, in any case, are decompressed.

    Args:
        item: the pinned item.
        settings: address of the S3 server.
        progress: gets the number of bytes read.

    Raises:
        BadInput: the compressed stream is broken, needs too much memory, or expands too much.
        SourceChanged: the bytes differ from the pinned ones.
    """
    with open_raw(item, settings, progress) as raw:
        counting = _CountingReader(raw, item, progress)
        counted: io.BufferedReader = io.BufferedReader(counting, 1 << 18)
        ending = _compression(item.name.lower(), counted)
        unpack = DECOMPRESSORS.get(ending or "")
        try:
            yield io.BufferedReader(LimitedExpansion(unpack(counted), lambda: counting.count, item.name), 1 << 18) if unpack else counted
        except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError, BrokenStream) as error:
            expected, fix = ("a complete file", "write the file again")
            if _needs_memory(error):
                expected, fix = f"at most {MEMORY >> 20} MB", "compress it again, e.g. zstd --long=28 or xz -9"
            raise BadInput(f"{item.name} cannot be decompressed: {error}", expected, fix) from error


def _compression(name: str, stream: io.BufferedReader) -> str | None:
    """The ending of the compression, by the name of a file or by its first bytes."""
    named = next((ending for ending in DECOMPRESSORS if name.endswith(ending)), None)
    return named or next((ending for magic, ending in MAGIC.items() if stream.peek(len(magic)).startswith(magic)), None)


def _needs_memory(error: Exception) -> bool:
    """Whether a stream asks for more memory than its reader allows."""
    return "too much memory" in str(error) or "Memory usage limit" in str(error)


@contextmanager
def open_raw(item: PinnedItem, settings: Settings, progress: ReadProgress) -> Iterator[IO[bytes]]:
    """The stored bytes, not decompressed. Only a local file can seek.

    Raises:
        SourceChanged: the bytes differ from the pinned ones.
    """
    if item.name.startswith("s3://"):
        with translated(item.name, settings):
            yield open_object(item.name, item.revision.removeprefix("etag:"), settings, item.version)
        return
    if is_web(item.name):
        with open_url(item, settings) as stream:
            yield stream
        return
    try:
        path = unquoted(item.quoted) if item.quoted else Path(item.name)
        file = path.open("rb")
    except OSError as error:
        raise changed(item.name, error.strerror or "") from error
    with file:
        before = os.fstat(file.fileno())
        if f"sha256:{_digest(file, item, progress)}" != item.revision:
            raise changed(item.name, "its content is different")
        file.seek(0)
        yield file
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise changed(item.name, "it was written to while being read")


def _digest(file: IO[bytes], item: PinnedItem, progress: ReadProgress) -> str:
    """SHA-256 of a file, with a report for every piece: 100 GB take minutes, and nothing is read meanwhile."""
    digest, count = hashlib.sha256(), 0
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        count += len(piece)
        if count > item.size:  # a file that grows as fast as it is read would never end
            raise changed(item.name, "it has grown")
        progress.report()
    return digest.hexdigest()


class _CountingReader(io.RawIOBase):
    """Counts the bytes that pass through, at most those that were pinned."""

    def __init__(self, source: _Readable, item: PinnedItem, progress: ReadProgress) -> None:
        self.source, self.item, self.progress = source, item, progress
        self.count = 0
        """Bytes passed so far."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.source.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        if self.count > self.item.size:
            raise changed(self.item.name, "it was written to while being read")
        self.progress.add(len(data))
        return len(data)
