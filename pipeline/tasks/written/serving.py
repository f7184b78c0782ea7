"""The signature of a model that writes: texts in, texts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tasks.columns import NAME, TEXT, Column, input_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.section import WrittenAnswer


class Serving:
    """A text, optionally with a name, is answered by a text."""

    inputs: Sequence[Column] = (TEXT, NAME)
    outputs = (Column("answer"),)
    example: Mapping[str, Any] = {"text": "The cache is emptied first, unless `keep` is set.", "name": "shop.Cart.reset"}

    def __init__(self, task: WrittenAnswer) -> None:
        """Nothing differs between tasks that write."""

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own."""
        return input_document(row, cleaner)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {"answer": [prediction.answer for prediction in predictions]}
