"""Cutting long documents into pieces, and packing short ones into rows with little padding."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def cut_documents(offsets: NDArray[np.int64], length: int, *, overlap: int = 0, min_tokens: int = 2) -> NDArray[np.int64]:
    """Cut every document into pieces.

    Args:
        offsets: where each document begins, and where the last one ends: n + 1 numbers.
        length: longest piece, in tokens, without the overlap.
        overlap: tokens of the next piece that a piece holds too (1 lets the last token predict the next).
        min_tokens: pieces with fewer tokens are dropped.

    Returns:
        First and one-past-last token of each piece: shape [pieces, 2].
    """
    sizes = np.diff(offsets)
    counts = -(-sizes // length)
    document = np.repeat(np.arange(len(sizes)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = offsets[document] + number * length
    last = np.minimum(first + length + overlap, offsets[document + 1])
    pieces = np.stack([first, last], axis=1)
    kept: NDArray[np.int64] = pieces[last - first >= min_tokens]
    return kept


def pack_best_fit(order: Iterable[int], sizes: NDArray[np.integer], capacity: int, window: int = 1024) -> list[list[int]]:
    """Pack items into rows: best fit decreasing (Johnson 1973) within windows of the given order.

    Args:
        order: items, e.g. a random permutation.
        sizes: of each item; none above ``capacity``.
        capacity: of each row.
        window: items that are packed together; keeps rows as random as the order is.

    Returns:
        The items of each row.
    """
    items, rows = list(order), []
    for start in range(0, len(items), window):
        chosen = sorted(items[start : start + window], key=lambda item: (-int(sizes[item]), item))
        rows += _pack_window(chosen, sizes, capacity)
    return rows


def _pack_window(items: list[int], sizes: NDArray[np.integer], capacity: int) -> list[list[int]]:
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []  # (capacity left, row), sorted
    for item in items:
        size = int(sizes[item])
        place = bisect_left(free, (size, 0))
        if place < len(free):
            remaining, row = free.pop(place)
            rows[row].append(item)
        else:
            remaining, row = capacity, len(rows)
            rows.append([item])
        insort(free, (remaining - size, row))
    return rows
