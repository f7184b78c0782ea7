"""Writing token shards: all ids in one file, and the offsets of the documents in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

MAX_UINT16_VOCABULARY = 1 << 16


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

    def __enter__(self) -> TokenWriter:
        return self

    def add(self, ids: NDArray[Any]) -> None:
        """Append one document."""
        self._file.write(ids.astype(self._dtype).tobytes())
        self._lengths.append(len(ids))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if kind is None:
            offsets = np.zeros(len(self._lengths) + 1, dtype="<i8")
            np.cumsum(self._lengths, out=offsets[1:])
            self._place.with_name(self._place.name + ".idx").write_bytes(offsets.tobytes())
