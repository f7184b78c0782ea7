"""Causal language modelling: predict every next token, in packed rows whose documents cannot see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.models.base import PackedBatch
from pipeline.models.build import batch_type_of
from pipeline.models.collate import collate_rows, text_document
from pipeline.training.batch_order import ORDER, EpochBatches, random_generator
from pipeline.training.packing import cut_documents, pack_best_fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.tokens.token_stream import TokenStream
    from pipeline.training.token_folder import TokenFolder

VALIDATION_ROWS = 256
"""Rows of the validation split that a validation uses: at 128 tokens each, enough for ±1 % of the loss."""


class CausalLm:
    """Feed of a decoder in pretraining."""

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the family is not a decoder, or there is no text.
        """
        if batch_type_of(shape.family) is not PackedBatch:
            raise BadInput(f"objective causal_lm for family {shape.family!r}", "a decoder", "change model.family or the objective")
        self._context, self._pad, self._params = shape.context, tokens.specials.pad, params
        self._train, self._validation = tokens.stream("stream-train"), tokens.stream("stream-validation")
        self._pieces = _cut(self._train, shape.context)
        self._epochs = EpochBatches(self._batches_of_epoch)

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._pieces, self._epochs.batch(step))

    def validation(self) -> list[Batch]:
        """The first rows of the validation split."""
        pieces = _cut(self._validation, self._context)
        rows = pack_best_fit(range(len(pieces)), _sizes(pieces), self._context)[:VALIDATION_ROWS]
        size = self._params.batch
        return [self._collate(self._validation, pieces, rows[start : start + size]) for start in range(0, len(rows), size)]

    def _batches_of_epoch(self, epoch: int) -> list[list[list[int]]]:
        """Batches of rows of pieces."""
        generator = random_generator(self._params.seed, ORDER, epoch)
        rows = pack_best_fit(generator.permutation(len(self._pieces)).tolist(), _sizes(self._pieces), self._context)
        shuffled = [rows[index] for index in generator.permutation(len(rows))]
        return [shuffled[start : start + self._params.batch] for start in range(0, len(shuffled), self._params.batch)]

    def _collate(self, stream: TokenStream, pieces: NDArray[np.int64], rows: list[list[int]]) -> Batch:
        documents = [[text_document(stream.ids[pieces[piece, 0] : pieces[piece, 1]]) for piece in row] for row in rows]
        return collate_rows(documents, self._context, self._pad)


def _cut(stream: TokenStream, context: int) -> NDArray[np.int64]:
    pieces = cut_documents(np.asarray(stream.offsets), context, overlap=1)
    if not len(pieces):
        raise BadInput("no text to pretrain on", "documents of at least two tokens", "check the data and its filter")
    return pieces


def _sizes(pieces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions a piece takes in a row: its last token is only predicted."""
    sizes: NDArray[np.int64] = pieces[:, 1] - pieces[:, 0] - 1
    return sizes
