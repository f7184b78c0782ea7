"""Lead: the first words of the text, as many as an average answer of the training documents has."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction
from pipeline.metrics.words import count_pieces, first_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Cut each text after the mean number of words of a known answer, rounded; of characters in scripts without blanks."""
    pieces = round(fmean(count_pieces(str(answer)) for answer in known.answers))
    return [Prediction(first_pieces(document.text, pieces)) for document in asked]


LEAD = Baseline("the first words of the text, as many as an answer has on average", _predict)
