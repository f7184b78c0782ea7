"""Pieces of text of similar length in a batch: what span corruption and masked language modelling train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.training.batch_order import MASKS, EpochBatches, batches_of_similar_length, random_generator
from pipeline.training.packing import cut_documents
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipeline.models.batch import Batch
    from pipeline.tokens.token_stream import TokenStream
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
        self._params, self._context, self._corrupt = inputs.params, inputs.context, corrupt
        self._train, self._validation = inputs.tokens.stream("train"), inputs.tokens.stream("validation")
        self._pieces = _cut(self._train, inputs.context)
        lengths = self._pieces[:, 1] - self._pieces[:, 0]
        seed, batch = inputs.params.seed, inputs.params.batch
        self._epochs = EpochBatches(lambda epoch: batches_of_similar_length(seed, epoch, lengths, batch))

    def batch(self, step: int) -> Batch:
        """Pieces of similar length; each step draws other masks, by seed and step."""
        chosen = self._pieces[self._epochs.batch(step)]
        return self._corrupt(_ids(self._train, chosen), random_generator(self._params.seed, MASKS, step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, with masks that stay the same."""
        pieces = _cut(self._validation, self._context)
        pieces = pieces[choose_by_hash(len(pieces), lambda index: self._validation.ids[slice(*pieces[index])].tobytes(), VALIDATION_PIECES)]
        by_length = pieces[np.argsort(pieces[:, 1] - pieces[:, 0], kind="stable")]
        size = self._params.batch
        return [
            self._corrupt(_ids(self._validation, by_length[start : start + size]), random_generator(0, MASKS, start))
            for start in range(0, len(by_length), size)
        ]


def _ids(stream: TokenStream, pieces: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [np.asarray(stream.ids[first:last], dtype=np.int64) for first, last in pieces]


def _cut(stream: TokenStream, context: int) -> NDArray[np.int64]:
    pieces = cut_documents(np.asarray(stream.offsets), context, min_tokens=MIN_TOKENS)
    if not len(pieces):
        raise BadInput("no text to pretrain on", f"documents of at least {MIN_TOKENS} tokens", "check the data and its filter")
    return pieces
