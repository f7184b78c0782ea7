"""Writing token shards: all ids in one file, and the offsets of the documents in another."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

MAX_UINT16_VOCABULARY = 1 << 16
BUFFER = 1 << 20
"""Elements that are written at once."""


def dtype_for(vocabulary: int) -> str:
    """``uint16`` if it can hold every id, else ``uint32``."""
    return "uint16" if vocabulary <= MAX_UINT16_VOCABULARY else "uint32"


class TokenWriter:
    """Appends documents to ``<name>.bin``, and writes ``<name>.idx`` at the end."""

    def __init__(self, place: Path, dtype: str) -> None:
        """Create the shard.

        Args:
            place: its path without suffix.
            dtype: type of its elements, e.g. ``uint16``; little-endian on disk.
        """
        self._place, self._dtype = place, np.dtype(dtype).newbyteorder("<")
        self._file = place.with_name(place.name + ".bin").open("wb")
        self._lengths: list[int] = []
        self._waiting: list[NDArray[Any]] = []
        self._size = 0

    def __enter__(self) -> TokenWriter:
        return self

    def add(self, *pieces: NDArray[Any]) -> None:
        """Append one document, given in pieces."""
        length = sum(map(len, pieces))
        self._lengths.append(length)
        self._waiting += pieces
        self._size += length
        if self._size >= BUFFER:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            # joined first: one conversion and one write for thousands of documents
            self._file.write(np.concatenate(self._waiting).astype(self._dtype).tobytes())
        self._waiting, self._size = [], 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._flush()
        self._file.close()
        if kind is None:
            offsets = np.zeros(len(self._lengths) + 1, dtype="<i8")
            np.cumsum(self._lengths, out=offsets[1:])
            self._place.with_name(self._place.name + ".idx").write_bytes(offsets.tobytes())


def join_shards(shards: Sequence[Path], place: Path) -> None:
    """Write the documents of several token shards as one.

    Args:
        shards: their paths without suffix, in order.
        place: path without suffix of the new one.
    """
    offsets, total = [np.zeros(1, dtype="<i8")], 0
    with place.with_name(place.name + ".bin").open("wb") as file:
        for shard in shards:
            own = np.fromfile(shard.with_name(shard.name + ".idx"), dtype="<i8")
            offsets.append(own[1:] + total)
            total += int(own[-1])
            with shard.with_name(shard.name + ".bin").open("rb") as part:
                shutil.copyfileobj(part, file, 1 << 20)
    np.concatenate(offsets).tofile(place.with_name(place.name + ".idx"))
