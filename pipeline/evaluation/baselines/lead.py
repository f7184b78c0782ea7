"""Lead: the first words of the text, as many as an average answer of the training documents has."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Cut each text after the mean number of words of a known answer, rounded."""
    words = round(fmean(len(str(answer).split()) for answer in known.answers))
    return [Prediction(" ".join(document.text.split()[:words])) for document in asked]


LEAD = Baseline("the first words of the text, as many as an answer has on average", _predict)
