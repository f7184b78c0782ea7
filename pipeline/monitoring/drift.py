"""Whether a window of texts comes from the same distribution as a profile, with a stated rate of false alarms.

Each number of `pipeline.monitoring.features` is compared by the two-sample Kolmogorov-Smirnov test. The content is compared by a
classifier two-sample test (Lopez-Paz and Oquab, arXiv 1610.06545): naive Bayes on the words and trigrams learns from half of both
samples to tell them apart, and the same test compares its scores of the other halves. So every difference is in one unit: the
largest distance between two cumulative distributions, from 0 (equal) to 1 (they do not overlap).

**The rate.** ``false_alarms`` is the probability of any alarm in ``windows`` windows of unchanged text. It is divided by the
number of windows and by the number of tests (Bonferroni), which needs no independence. P-values are exact for values
without ties; ties only make a test more careful. What the rate assumes: the texts of a window are independent draws, so equal texts count once.

**The size.** With many texts a difference that harms nobody is certain too. So an alarm also needs a distance of
at least ``least_distance``; that only lowers the rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from pipeline.monitoring.features import BUCKETS, FEATURES
from pipeline.monitoring.look import Shift

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.monitoring.profile import Measures

CONTENT = "content"
TESTS = (*FEATURES, CONTENT)
"""What is tested in each window."""


def level_of(false_alarms: float, windows: int) -> float:
    """The error that one test of one window may make.

    Args:
        false_alarms: probability of any false alarm.
        windows: in so many windows.
    """
    return false_alarms / windows / len(TESTS)


def compare(reference: Measures, window: Measures, level: float, least_distance: float = 0.0, seed: int = 0) -> tuple[Shift, ...]:
    """Test every feature of a window.

    Args:
        reference: measured texts of the profile.
        window: measured texts of the window, at least two.
        level: see `level_of`.
        least_distance: a smaller distance is no alarm, however certain.
        seed: decides which halves the classifier learns from.

    Returns:
        One for each of `TESTS`, in that order.
    """
    pairs: list[tuple[NDArray[np.floating], NDArray[np.floating]]] = [
        (reference.numbers[:, place], window.numbers[:, place]) for place in range(len(FEATURES))
    ]
    pairs.append(_content_scores(reference.grams, window.grams, np.random.default_rng(seed)))
    return tuple(_shift(name, old, new, level, least_distance) for name, (old, new) in zip(TESTS, pairs, strict=True))


def _shift(name: str, old: NDArray[np.floating], new: NDArray[np.floating], level: float, least: float) -> Shift:
    found = stats.ks_2samp(old, new, method="auto")
    distance, p = float(found.statistic), float(found.pvalue)
    crossed = p <= level and distance >= least
    return Shift(feature=name, distance=distance, p=p, before=float(np.median(old)), now=float(np.median(new)), crossed=crossed)


def _content_scores(
    reference: Sequence[NDArray[np.uint16]], window: Sequence[NDArray[np.uint16]], draw: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of the texts that the classifier did not learn from: higher means more like the window."""
    (learned_old, held_old), (learned_new, held_new) = _halves(reference, draw), _halves(window, draw)
    weights = _log_share(learned_new) - _log_share(learned_old)
    return _scores(held_old, weights), _scores(held_new, weights)


def _halves(texts: Sequence[NDArray[np.uint16]], draw: np.random.Generator) -> Iterator[list[NDArray[np.uint16]]]:
    order = draw.permutation(len(texts))
    half = len(texts) // 2
    yield [texts[place] for place in order[:half]]
    yield [texts[place] for place in order[half:]]


def _log_share(texts: Sequence[NDArray[np.uint16]]) -> NDArray[np.float64]:
    """Logarithm of the share of texts that have a bucket, smoothed by one text with and one without it."""
    counts = np.bincount(np.concatenate(texts), minlength=BUCKETS)
    return np.log((counts + 1) / (len(texts) + 2))


def _scores(texts: Sequence[NDArray[np.uint16]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean weight of a text's buckets; 0 for an empty text."""
    return np.array([weights[grams].mean() if len(grams) else 0.0 for grams in texts])
