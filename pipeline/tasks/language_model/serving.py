"""The signature of a language model: a text in, its continuation and its bits per byte out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tasks.columns import TEXT, Column, input_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.language_model.section import LanguageModel


class Serving:
    """A text is answered by its continuation, and by how many bits a byte of it needs: few for text like that of training."""

    inputs = (TEXT,)
    outputs = (Column("continuation"), Column("bits_per_byte", "double", required=False))
    example: Mapping[str, Any] = {"text": "The cache is emptied first, unless"}

    def __init__(self, task: LanguageModel) -> None:
        """Nothing differs between language models."""

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own."""
        return input_document(row, cleaner)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {
            "continuation": [prediction.answer for prediction in predictions],
            "bits_per_byte": [prediction.numbers[0] if prediction.numbers else None for prediction in predictions],
        }
