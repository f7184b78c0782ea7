"""Most frequent: the one answer that occurs most often in training, for everything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Answer with the most frequent answer; of equally frequent ones the first by alphabet."""
    counted = Counter(known.answers)
    answer = min(counted, key=lambda found: (-counted[found], str(found)))
    return [Prediction(answer)] * len(asked)


MOST_FREQUENT = Baseline("the most frequent training answer, for everything", _predict)
