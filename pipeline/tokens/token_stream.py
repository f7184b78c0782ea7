"""Reading token shards: memory-mapped, so a corpus may be larger than memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import Damaged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class TokenStream:
    """The documents of one shard, read-only.

    Attributes:
        ids: all elements, usually token ids, one after the other: shape [tokens].
        offsets: where document i begins; the last entry is where the last one ends: shape [documents + 1].
    """

    def __init__(self, place: Path, dtype: str) -> None:
        """Map a shard.

        Args:
            place: its path without suffix, e.g. ``streams/train``.
            dtype: type of its elements, e.g. ``uint16``.

        Raises:
            Damaged: a file is missing, was cut off, or does not match the other.
        """
        self.ids = _map_file(place.with_name(place.name + ".bin"), np.dtype(dtype).newbyteorder("<"))
        self.offsets = _map_file(place.with_name(place.name + ".idx"), np.dtype("<i8"))
        if not len(self.offsets) or self.offsets[0] != 0 or self.offsets[-1] != len(self.ids) or (np.diff(self.offsets) < 0).any():
            indexed = int(self.offsets[-1]) if len(self.offsets) else 0
            raise Damaged(f"{place}.bin holds {len(self.ids)} elements", f"{indexed}, as in its index", "tokenize the corpus again")

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Elements of one document: shape [tokens]."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.ids[self.offsets[index] : self.offsets[index + 1]]


def _map_file(path: Path, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A file as an array. An empty file cannot be mapped and gives an empty array."""
    try:
        size = path.stat().st_size
        if size % dtype.itemsize:
            raise Damaged(f"{path} has {size} bytes", f"a multiple of {dtype.itemsize}", "tokenize the corpus again")
        return np.memmap(path, dtype=dtype, mode="r") if size else np.empty(0, dtype)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}", "a token shard", "tokenize the corpus again") from error
