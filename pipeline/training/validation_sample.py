"""Which part of the validation split a validation looks at: chosen by a hash of the content, over the whole split.

The order of a split is that of its source, so its first documents may come from a single package or site.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def choose_by_hash(count: int, content: Callable[[int], bytes], wanted: int) -> NDArray[np.int64]:
    """At most ``wanted`` of ``count`` items, in ascending order; an item's own bytes decide.

    Args:
        count: number of items.
        content: bytes of an item.
        wanted: how many to choose.
    """
    keys = sorted((hashlib.blake2b(content(index), digest_size=8).digest(), index) for index in range(count))
    return np.array(sorted(index for _, index in keys[:wanted]), dtype=np.int64)
