"""Reading Zstandard streams of one or more frames.

`zstandard`'s own stream reader cannot tell a stream that was cut off from one that ended; this one can.
"""

from __future__ import annotations

import io
from typing import IO

import zstandard

MAX_WINDOW = 1 << 28
"""Largest window, in bytes, that a frame may ask for: ``zstd --long=28``. A reader then holds 256 MB; ordinary frames ask for 8 MB."""
CHUNK = 1 << 10
"""Compressed bytes per call. Four bytes can expand to 128 KB, so this limits what a decompression bomb can expand in memory to 32 MB."""


class ZstdFile(io.RawIOBase):
    """A decompressed view of ``source``.

    Raises (while reading):
        EOFError: the stream was cut off.
        zstandard.ZstdError: it is not Zstandard.
    """

    def __init__(self, source: IO[bytes]) -> None:
        """Start before the first frame."""
        self._source = source
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._fed = self._ready = b""

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``; 0 at the end of the last frame."""
        while not self._ready:
            if not self._fed:
                self._fed = self._source.read(CHUNK)
            if not self._fed:
                if self._frame is not None:
                    raise EOFError("the Zstandard stream was cut off")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
            self._ready, self._fed = self._frame.decompress(self._fed), b""
            if self._frame.eof:
                self._fed, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
