"""Chunks: the items of a pinned source in groups that are cleaned on their own.

A chunk is a run of consecutive items. Where one ends depends on the items near its end only: on a hash of the name, and on the bytes
since its start. So a new file changes the chunk that it joins and at most the next one, and all others are found in the store. The idea
is that of content-defined chunking: Muthitacharoen, Chen, Mazières 2001, "A low-bandwidth network file system".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.sources.base import Pin, PinnedItem

CHUNK_BYTES = 1 << 20
"""Bytes after which a chunk of a small source ends; an item that is larger is a chunk of its own."""

MANY, LARGER = 128, 4
"""A source of so many chunks has chunks four times as large, so that there are never too many files. It is read again as a whole when it
grows beyond 128 MB, 512 MB, 2 GB, and so on."""

UNKNOWN_BYTES = 1 << 16
"""What an item of unknown size counts as."""


def divide(pin: Pin) -> list[Pin]:
    """The chunks of a pinned source, in its order; one chunk for a source whose items are read together."""
    if pin.together:
        return [pin]
    return [pin.chunk(items) for items in _groups(pin)]


def size_of(pin: Pin) -> int:
    """Bytes of a source, with an estimate for items of unknown size."""
    return sum(item.size or UNKNOWN_BYTES for item in pin.items)


def ends_here(name: str, size: int, wanted: int) -> bool:
    """Whether a group ends behind something of this name: for one byte out of ``wanted``."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2.0**64 < size / wanted


def _chunk_bytes(total: int) -> int:
    size = CHUNK_BYTES
    while total > MANY * size:
        size *= LARGER
    return size


def _groups(pin: Pin) -> Iterable[list[PinnedItem]]:
    wanted = _chunk_bytes(size_of(pin))
    group: list[PinnedItem] = []
    total = 0
    for item in pin.items:
        size = item.size or UNKNOWN_BYTES
        group.append(item)
        total += size
        if total >= wanted or ends_here(f"{pin.path(item)} {item.revision}", size, wanted):
            yield group
            group, total = [], 0
    if group:
        yield group
