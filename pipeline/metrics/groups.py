"""Groups of examples: a package, an author, a conversation. Examples of one group resemble each other, so groups are the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def number_groups(groups: Sequence[str]) -> NDArray[np.int64]:
    """[examples] number of each example's group, from 0 in order of appearance.

    Args:
        groups: group of each example; an example with an empty one is a group of its own.
    """
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(group or place, len(numbers)) for place, group in enumerate(groups)], dtype=np.int64)


def sum_by_group(rows: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[Any]:
    """[groups, k] sums of the rows of each group.

    Args:
        rows: [examples, k].
        numbers: [examples], see `number_groups`.
    """
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums
