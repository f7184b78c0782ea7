"""Cutting long documents, and packing short ones into rows with little padding."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def pieces(offsets: NDArray[np.int64], length: int, *, overlap: int = 0, shortest: int = 2) -> NDArray[np.int64]:
    """Cut every document into pieces.

    Args:
        offsets: where each document begins, and where the last one ends: n + 1 numbers.
        length: longest piece, in tokens, without the overlap.
        overlap: tokens of the next piece that a piece holds too (1 lets the last token predict the next).
        shortest: pieces with fewer tokens are dropped.

    Returns:
        First and one-past-last token of each piece: shape [pieces, 2].
    """
    sizes = np.diff(offsets)
    counts = -(-sizes // length)
    document = np.repeat(np.arange(len(sizes)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = offsets[document] + number * length
    last = np.minimum(first + length + overlap, offsets[document + 1])
    cut = np.stack([first, last], axis=1)
    kept: NDArray[np.int64] = cut[last - first >= shortest]
    return kept


def best_fit(order: Iterable[int], sizes: NDArray[np.integer], room: int, window: int = 1024) -> list[list[int]]:
    """Pack items into rows, best fit decreasing within windows of the given order (Johnson 1973).

    Args:
        order: items, e.g. a random permutation.
        sizes: of each item; none above ``room``.
        room: of each row.
        window: items that are packed together; keeps rows as random as the order is.

    Returns:
        The items of each row.
    """
    items, rows = list(order), []
    for start in range(0, len(items), window):
        chosen = sorted(items[start : start + window], key=lambda item: (-int(sizes[item]), item))
        rows += _pack(chosen, sizes, room)
    return rows


def _pack(items: list[int], sizes: NDArray[np.integer], room: int) -> list[list[int]]:
    rows: list[list[int]] = []
    left: list[tuple[int, int]] = []  # (room left, row), sorted
    for item in items:
        size = int(sizes[item])
        place = bisect_left(left, (size, 0))
        if place < len(left):
            remaining, row = left.pop(place)
            rows[row].append(item)
        else:
            remaining, row = room, len(rows)
            rows.append([item])
        insort(left, (remaining - size, row))
    return rows
