"""Copy of the source: the text itself, untranslated. Names and numbers in it are right in any language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:  # noqa: ARG001 - the same for all baselines
    return [Prediction(document.text) for document in asked]


COPY_SOURCE = Baseline("the text as it was given", _predict)
