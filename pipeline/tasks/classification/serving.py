"""The signature of a classifier: one text or two in, the answer and its probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tasks.columns import NAME, PAIR, TEXT, Column, input_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.classification.section import Classification

OUTPUTS = {
    "label": (Column("label"), Column("score", "double"), Column("scores", "doubles")),
    "labels": (Column("labels", "strings"), Column("scores", "doubles")),
    "number": (Column("number", "double"),),
}


class Serving:
    """A text is answered by its class and the probability of each class; or by several classes; or by a number."""

    inputs = (TEXT, NAME, PAIR)
    example: Mapping[str, Any] = {"text": "The cache is emptied first, unless `keep` is set."}

    def __init__(self, task: Classification) -> None:
        """Take the kind of answer."""
        self._answer = task.answer
        self.outputs = OUTPUTS[task.answer]

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own."""
        return input_document(row, cleaner)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        if self._answer == "number":
            return {"number": [prediction.answer for prediction in predictions]}
        scores = [dict(prediction.scores or {}) for prediction in predictions]
        if self._answer == "labels":
            return {"labels": [list(_names(prediction)) for prediction in predictions], "scores": scores}
        best = [max(each.values()) for each in scores]
        return {"label": [prediction.answer for prediction in predictions], "score": best, "scores": scores}


def _names(prediction: Prediction) -> tuple[str, ...]:
    """The classes of an answer of several."""
    return prediction.answer if isinstance(prediction.answer, tuple) else ()
