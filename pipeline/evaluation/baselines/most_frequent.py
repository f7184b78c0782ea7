"""Most frequent: the one summary that occurs most often in the train split, for everything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def most_frequent(train: Sequence[Document], examples: Sequence[Document]) -> list[str]:
    """Answer with the most frequent training target; of equally frequent ones the first by alphabet."""
    counted = Counter(document.target or "" for document in train)
    answer = min(counted, key=lambda target: (-counted[target], target))
    return [answer] * len(examples)
