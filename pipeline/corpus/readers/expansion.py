"""A limit to how much a compressed file may expand: a small file must not keep a run busy for days."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_RATIO = 1000
"""Decompressed bytes for each stored byte. Text reaches 20, and gzip cannot exceed 1032."""
FREE_BYTES = 64 << 20
"""Decompressed bytes that are allowed at any ratio: a short file of one repeated line is no attack."""


class LimitedExpansion(io.RawIOBase):
    """Passes decompressed bytes on until there are too many of them.

    Raises (while reading):
        BadInput: the ratio is exceeded.
    """

    def __init__(self, stream: IO[bytes] | io.RawIOBase, stored: Callable[[], int], name: str) -> None:
        """Keep what to read.

        Args:
            stream: decompresses.
            stored: how many stored bytes it has read so far.
            name: of the file, for the message.
        """
        self._stream, self._stored, self._name = stream, stored, name
        self._count = 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``; 0 at the end."""
        count: int = self._stream.readinto(buffer)  # type: ignore[union-attr]
        self._count += count
        if self._count > FREE_BYTES and self._count > MAX_RATIO * self._stored():
            raise BadInput(
                f"{self._name} expands more than {MAX_RATIO} times while it is decompressed",
                "text",
                "decompress it and look at it, or remove it",
            )
        return count
