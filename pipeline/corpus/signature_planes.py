"""Signatures of documents, in a file if they are many: the first byte of all signatures, then the second byte of all, and so on.

What asks for signatures asks for some places of all of them: a band has a few places, and pairs are compared place by place. So a place is
one short read, and memory is a few bytes for each document instead of the 120 of its signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.signatures import PLACES, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

IN_MEMORY = 24 << 20
"""Bytes of signatures that stay in memory, those of 200,000 documents: reading takes a quarter of the time of finding clusters."""

BLOCK = 1 << 17
"""Pairs that are compared at once."""


class SignaturePlanes:
    """Signatures in a file, or in memory."""

    def __init__(self, path: Path, count: int, blocks: Iterable[NDArray[np.uint8]]) -> None:
        """Write the file, or fill the memory.

        Args:
            path: the file, empty if the signatures stay in memory; one that is there is replaced.
            count: number of signatures.
            blocks: [documents of the block, 120] all of them in order.
        """
        self._path, self.count = path, count
        self._kept = np.empty((PLACES, count), np.uint8) if count * PLACES <= IN_MEMORY else None
        start = 0
        with path.open("wb") as file:
            for block in blocks:
                if self._kept is not None:
                    self._kept[:, start : start + len(block)] = block.T
                else:
                    for place, values in enumerate(np.ascontiguousarray(block.T)):
                        file.seek(place * count + start)
                        file.write(values)
                start += len(block)

    def place(self, place: int) -> NDArray[np.uint8]:
        """[documents] one byte of each signature."""
        if self._kept is None:
            return np.fromfile(self._path, np.uint8, self.count, offset=place * self.count)
        kept: NDArray[np.uint8] = self._kept[place]
        return kept

    def band(self, start: int, rows: int) -> NDArray[np.uint64]:
        """[documents] some bytes of each signature as a number.

        Args:
            start: first place.
            rows: number of places, at most eight.
        """
        found = np.zeros((self.count, 8), np.uint8)
        for row in range(rows):
            found[:, row] = self.place(start + row)
        return found.view("<u8")[:, 0]

    def resemblance(self, pairs: NDArray[np.integer]) -> NDArray[np.float64]:
        """[pairs] estimated resemblance of two documents each.

        Args:
            pairs: [pairs, 2] numbers of documents.
        """
        equal = np.zeros(len(pairs), np.uint8)
        if len(pairs):
            for place in range(PLACES):
                values = self.place(place)
                for start in range(0, len(pairs), BLOCK):
                    one, other = values[pairs[start : start + BLOCK]].T
                    equal[start : start + BLOCK] += one == other
        return estimate(equal)
