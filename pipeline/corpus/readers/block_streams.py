"""Reading bzip2 and xz streams of one or more parts in bounded memory.

The standard library's `lzma.LZMAFile` allocates the dictionary that a file asks for, up to 4 GB. This reader refuses more than
`MEMORY`, which is four times what ``xz -9`` needs. Its `bz2.BZ2File` reports a broken stream by an `OSError`, as a broken disk is.
"""

from __future__ import annotations

import io
import lzma
from bz2 import BZ2Decompressor
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = 256 << 20
"""Most memory an xz stream may ask for, in bytes."""
CHUNK = 1 << 16
"""Compressed bytes that are read at once."""


class BrokenStream(ValueError):
    """A stream that cannot be decompressed."""


def bz2_file(source: IO[bytes]) -> DecompressedFile:
    """A decompressed view of bzip2 data."""
    return DecompressedFile(source, BZ2Decompressor)


def xz_file(source: IO[bytes]) -> DecompressedFile:
    """A decompressed view of xz data."""
    return DecompressedFile(source, lambda: lzma.LZMADecompressor(memlimit=MEMORY))


class DecompressedFile(io.RawIOBase):
    """A decompressed view of ``source``.

    Raises (while reading):
        BrokenStream: it was cut off, is of another format, or asks for too much memory.
    """

    def __init__(self, source: IO[bytes], new: Callable[[], BZ2Decompressor | lzma.LZMADecompressor]) -> None:
        """Start before the first part.

        Args:
            source: compressed bytes.
            new: makes a decompressor for the next part.
        """
        self._source, self._new = source, new
        self._part: BZ2Decompressor | lzma.LZMADecompressor | None = None
        self._fed = b""

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``; 0 at the end of the last part."""
        while True:
            if not self._fed and (self._part is None or self._part.needs_input):
                self._fed = self._source.read(CHUNK)
                if not self._fed:
                    if self._part is not None:
                        raise BrokenStream("the stream was cut off")
                    return 0
            if self._part is None:
                self._fed = self._fed.lstrip(b"\0")  # xz pads between its parts
                if not self._fed:
                    continue
                self._part = self._new()
            ready = self._decompress(self._part, len(buffer))
            if ready:
                buffer[: len(ready)] = ready
                return len(ready)

    def _decompress(self, part: BZ2Decompressor | lzma.LZMADecompressor, most: int) -> bytes:
        """At most so many bytes of a part."""
        try:
            ready = part.decompress(self._fed, most)
        except (OSError, lzma.LZMAError) as error:
            raise BrokenStream(str(error)) from error
        self._fed = b""
        if part.eof:
            self._fed, self._part = part.unused_data, None
        return ready
