"""Whether the texts of two corpora come from the same distribution, with a stated rate of false alarms.

The tests are those of `pipeline.monitoring.drift`, whose rate holds for independent samples. Most documents of a corpus are in the previous one
too. So a hash of its text decides what a document is used for, in whichever corpus it is: for the vocabulary of known words, for the sample of
the first corpus, or for that of the second. Without this, a document would know all of its own words, and the classifier of content would
meet in one half what it learned by heart from the other.
"""

from __future__ import annotations

import heapq
import warnings
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpora.shards import SPLITS, batches
from pipeline.monitoring.drift import compare, level_of
from pipeline.monitoring.features import FEATURES, words_of
from pipeline.monitoring.profile import LEAST, REFERENCE, VOCABULARY_TEXTS, WORDS, Measures, Profile, Text, distinct
from pipeline.privacy.hide import mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.monitoring.look import Shift


KNOWN, FIRST, SECOND = range(3)
"""What a text is used for: as vocabulary, in the sample of the first corpus, or in that of the second."""

USES = 3


def corpus_drift(before: Path, after: Path, false_alarms: float, least_distance: float) -> tuple[Shift, ...] | None:
    """Compare the train splits of two corpora.

    Args:
        before: folder of the first corpus.
        after: folder of the second.
        false_alarms: probability of any false alarm of this comparison.
        least_distance: a smaller difference is no alarm.

    Returns:
        One for each test; None if a corpus is too small to compare.
    """
    compared = [distinct(_sample(folder, REFERENCE, use)) for folder, use in ((before, FIRST), (after, SECOND))]
    if min(map(len, compared)) < LEAST:
        return None
    counted = Counter(word for text in distinct(_sample(before, VOCABULARY_TEXTS, KNOWN)) for word in words_of(mask(text)))
    known = frozenset(word for word, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:WORDS])
    profile = Profile(Measures(np.empty((0, len(FEATURES)), np.float32), ()), known, 0)
    reference, window = (profile.measure(texts) for texts in compared)
    with warnings.catch_warnings():
        # of samples of 2,000 the exact p-value may overflow; scipy then takes the asymptotic one, which is as good there
        warnings.simplefilter("ignore", RuntimeWarning)
        return compare(reference, window, level_of(false_alarms, 1), least_distance)


def _sample(folder: Path, count: int, use: int) -> list[Text]:
    """The texts of the train split with the smallest hashes, of those that have this use."""
    return [text for _, text in heapq.nsmallest(count, _ranked(folder, use), key=lambda pair: pair[0])]


def _ranked(folder: Path, use: int) -> Iterator[tuple[int, Text]]:
    for _, batch in batches(folder, SPLITS[:1], ("text", "pair")):
        for row in batch.to_pylist():
            rank, found = divmod(int.from_bytes(blake2b(row["text"].encode(), digest_size=8).digest()), USES)
            if found == use:
                yield rank, Text(row["text"], row["pair"])
