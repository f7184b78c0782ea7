"""The signature of embedding: a text in, its vector out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tasks.columns import TEXT, Column, input_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.embedding.section import Embedding


class Serving:
    """A text is answered by its vector, of length 1: the dot product of two vectors is how near their texts are."""

    inputs = (TEXT,)
    outputs = (Column("vector", "vector"),)
    example: Mapping[str, Any] = {"text": "The cache is emptied first, unless `keep` is set."}

    def __init__(self, task: Embedding) -> None:
        """Nothing differs between embeddings."""

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own; a second text is not read."""
        return input_document(row, cleaner)._replace(pair=None)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {"vector": [list(prediction.numbers or ()) for prediction in predictions]}
