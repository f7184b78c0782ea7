"""The signature of a model that writes captions: images in, texts out."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Document
from pipeline.errors import BadInput
from pipeline.tasks.columns import Column, cell_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.captioning.section import Captioning

IMAGE = Column("image")
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGM4YWQEAALyAS2saifrAAAAAElFTkSuQmCC"
"""A PNG of one pixel."""


class Serving:
    """The bytes of an image file in base64 are answered by a text."""

    inputs: Sequence[Column] = (IMAGE,)
    outputs = (Column("answer"),)
    example: Mapping[str, Any] = {"image": EXAMPLE}

    def __init__(self, task: Captioning) -> None:
        """Take the size of images."""
        self._side = task.image_size

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:  # noqa: ARG002 - a TaskServing's signature
        """The document of a row, decoded as ingestion decodes its own; without an image it has none.

        Raises:
            BadInput: the column holds no base64, or no image.
        """
        from pipeline.corpus.images import BadImage, square  # registration needs the signature only, and has no Pillow

        said = cell_text(row, IMAGE.name)
        try:
            image = square(base64.b64decode(said, validate=True), self._side) if said else None
        except (binascii.Error, ValueError) as error:
            got = str(error) if isinstance(error, BadImage) else "no base64"
            raise BadInput(f"column {IMAGE.name}: {got}", "the bytes of an image file in base64", "correct the request") from error
        return Document("", "", "", "", None, None, image)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {"answer": [prediction.answer for prediction in predictions]}
