"""Majority: the most frequent class of training, for everything, with the share of each class as its probability."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction
from pipeline.metrics.labels import classes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Answer with the most frequent class, or set of classes; of equally frequent ones the first by alphabet."""
    counted = Counter(known.answers)
    answer = min(counted, key=lambda found: (-counted[found], sorted(classes_of(found))))
    shares = {str(name): count / len(known.answers) for name, count in sorted(counted.items(), key=str)}
    return [Prediction(answer, shares if isinstance(answer, str) else None)] * len(asked)


MAJORITY = Baseline("the most frequent training class, for everything", _predict)
