"""Mean: the mean of the training numbers, for everything."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    mean = fmean(answer for answer in known.answers if isinstance(answer, int | float))
    return [Prediction(mean)] * len(asked)


MEAN_NUMBER = Baseline("the mean of the training numbers, for everything", _predict)
