"""Chunks: the items of a pinned source in groups that are cleaned on their own.

A chunk is a run of consecutive items. Where one ends depends on the items near its end only: on a hash of the name, and on the bytes
since its start. So a new file changes the chunk that it joins and at most the next one, and all others are found in the store. The idea
is that of content-defined chunking: Muthitacharoen, Chen, Mazières 2001, "A low-bandwidth network file system".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.sources.base import Pin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.sources.base import PinnedItem

CHUNK_BYTES = 4 << 20
"""Bytes after which a chunk ends; an item that is larger is a chunk of its own."""

UNKNOWN_BYTES = 1 << 16
"""What an item of unknown size counts as."""


def divide(pin: Pin) -> list[Pin]:
    """The chunks of a pinned source, in its order; one chunk for a source whose items are read together."""
    if pin.together:
        return [pin]
    # no `model_copy`: that would take the cached digest along
    return [Pin(kind=pin.kind, items=tuple(items), root=pin.root) for items in _groups(pin)]


def size_of(pin: Pin) -> int:
    """Bytes of a source, with an estimate for items of unknown size."""
    return sum(item.size or UNKNOWN_BYTES for item in pin.items)


def ends_here(name: str, size: int, wanted: int) -> bool:
    """Whether a group ends behind something of this name: for one byte out of ``wanted``."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2.0**64 < size / wanted


def _groups(pin: Pin) -> Iterable[list[PinnedItem]]:
    group: list[PinnedItem] = []
    total = 0
    for item in pin.items:
        size = item.size or UNKNOWN_BYTES
        group.append(item)
        total += size
        if total >= CHUNK_BYTES or ends_here(f"{pin.path(item)} {item.revision}", size, CHUNK_BYTES):
            yield group
            group, total = [], 0
    if group:
        yield group
