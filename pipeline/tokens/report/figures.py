"""The figures of a report, and their intervals.

Each figure is a ratio of sums over documents, e.g. bytes to tokens. Its standard error is that of a ratio estimator with documents as the unit
(Cochran 1977, "Sampling Techniques", 6.4): texts of one document are alike. An interval holds the figure of the whole split in 95 of 100 cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.tokens.report.measure import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NORMAL = 1.96
"""Standard errors to each side of a figure."""

LEAST = 20
"""Documents below which no interval is stated: it would be too narrow."""

DIGITS = 4

COLUMN = {name: place for place, name in enumerate(COLUMNS)}


def figures(counts: NDArray[np.int64]) -> dict[str, Any]:
    """The figures of some texts.

    Args:
        counts: [texts, columns] as of `pipeline.tokens.report.measure`.

    Returns:
        ``documents``, ``characters``, ``bytes``, ``tokens``, ``words``; ``bytes_per_token``, ``characters_per_token``, ``tokens_per_word``,
        ``split_words`` and ``unknown`` as pairs of figure and interval. A figure is None if there is nothing to divide by.
    """
    rows = by_document(counts)
    sums = {name: int(rows[:, COLUMN[name]].sum()) for name in ("characters", "bytes", "tokens", "words")}
    pairs = {
        "bytes_per_token": ("bytes", "tokens"),
        "characters_per_token": ("characters", "tokens"),
        "tokens_per_word": ("word_tokens", "words"),
        "split_words": ("split_words", "words"),
        "unknown": ("unknown", "tokens"),
    }
    found = {name: ratio(rows[:, COLUMN[above]], rows[:, COLUMN[below]]) for name, (above, below) in pairs.items()}
    return {"documents": len(rows), **sums, **found}


def by_document(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """[documents, columns]: the sums of the texts of each document."""
    _, places = np.unique(counts[:, COLUMN["documents"]], return_inverse=True)
    sums = np.zeros((int(places.max(initial=-1)) + 1, len(COLUMNS)), dtype=np.int64)
    np.add.at(sums, places, counts)
    return sums


def ratio(above: NDArray[np.int64], below: NDArray[np.int64]) -> dict[str, Any]:
    """A ratio of sums with its interval.

    Args:
        above: [documents] numerators.
        below: [documents] denominators.

    Returns:
        ``value``, and ``low`` and ``high``, each None where it cannot be stated.
    """
    total, many = int(below.sum()), len(below)
    if not total:
        return {"value": None, "low": None, "high": None}
    value = int(above.sum()) / total
    if many < LEAST:
        return {"value": round(value, DIGITS), "low": None, "high": None}
    error = float(np.sqrt(many / (many - 1) * np.square(above - value * below).sum()) / total)
    low, high = max(0.0, value - NORMAL * error), value + NORMAL * error
    return {"value": round(value, DIGITS), "low": round(low, DIGITS), "high": round(high, DIGITS)}
