"""Pieces of text of similar length in a batch: what span corruption, prefix and masked language modelling train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.training.batch_order import MASKS, random_generator
from pipeline.training.cut_texts import CutTexts
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.models.batch import Batch
    from pipeline.training.base import FeedInputs

    Corrupt = Callable[[list[NDArray[np.int64]], np.random.Generator], Batch]

MIN_TOKENS = 8
"""Shorter pieces of text are dropped: they leave nothing to infer a masked token from."""

VALIDATION_PIECES = 512
"""Pieces of the validation split that a validation uses."""


class Pieces:
    """Cuts the streams to the model's context, and maps steps to corrupted batches."""

    def __init__(self, inputs: FeedInputs, corrupt: Corrupt) -> None:
        """Cut the documents.

        Args:
            inputs: tokens, context, params.
            corrupt: from pieces and a random generator to a batch.

        Raises:
            BadInput: there is no text.
        """
        self._params, self._corrupt = inputs.params, corrupt
        streams = (inputs.tokens.stream(split) for split in ("train", "validation"))
        self._train, self._validation = (CutTexts(stream, inputs.context, min_tokens=MIN_TOKENS) for stream in streams)
        self._order = LengthBatches(inputs.params, self._train, self._validation, VALIDATION_PIECES)

    def batch(self, step: int) -> Batch:
        """Pieces of similar length; each step draws other masks, by seed and step."""
        pieces = [self._train[int(index)] for index in self._order.train(step)]
        return self._corrupt(pieces, random_generator(self._params.seed, MASKS, step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, with masks that stay the same."""
        batches = [[self._validation[int(index)] for index in chosen] for chosen in self._order.validation()]
        size = self._params.batch
        return [self._corrupt(pieces, random_generator(0, MASKS, number * size)) for number, pieces in enumerate(batches)]
