"""Which part of the validation split a validation looks at: chosen by a hash of the content, over the whole split.

The order of a split is that of its source, so its first documents may come from a single package or site.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Texts(Protocol):
    """The texts or examples of one split."""

    lengths: NDArray[np.int64]
    """Tokens of each: shape [texts]."""

    def content(self, index: int) -> bytes:
        """The token ids of one as bytes."""


def choose_by_hash(texts: Texts, wanted: int) -> NDArray[np.int64]:
    """Indices of at most ``wanted`` texts, in ascending order; a text's own content decides."""
    keys = sorted((hashlib.blake2b(texts.content(index), digest_size=8).digest(), index) for index in range(len(texts.lengths)))
    return np.array(sorted(index for _, index in keys[:wanted]), dtype=np.int64)
