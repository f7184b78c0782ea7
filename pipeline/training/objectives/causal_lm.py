"""Causal language modelling: predict every next token, in packed rows whose documents cannot see each other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.attention import isolates_documents
from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.training.batch_order import ORDER, EpochBatches, random_generator
from pipeline.training.packing import cut_documents, pack_best_fit
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tokens.token_stream import TokenStream
    from pipeline.training.base import FeedInputs

log = logging.getLogger(__name__)

VALIDATION_PIECES = 512
"""Pieces of the validation split that a validation uses: at 128 tokens each, enough for ±1 % of the loss."""


class CausalLm:
    """Feed of a decoder in pretraining."""

    def __init__(self, inputs: FeedInputs) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the model is not a decoder, or there is no text.
        """
        if inputs.model.kind is not Kind.DECODER:
            raise BadInput(f"objective causal_lm for {inputs.model.kind.phrase}", "a decoder", "change model.family or the objective")
        self._context, self._params, self._pad = inputs.context, inputs.params, inputs.tokens.vocabulary.pad
        self._packs = isolates_documents(inputs.model, inputs.tokens.vocabulary.size)
        if not self._packs:
            log.warning("packed documents would see each other in this model: rows are padded instead")
        self._train, self._validation = inputs.tokens.stream("train"), inputs.tokens.stream("validation")
        self._pieces = _cut(self._train, inputs.context)
        self._epochs = EpochBatches(self._batches_of_epoch)

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._pieces, self._epochs.batch(step))

    def validation(self) -> list[Batch]:
        """Rows of a sample of the validation split."""
        pieces = _cut(self._validation, self._context)
        chosen = choose_by_hash(len(pieces), lambda index: self._validation.ids[slice(*pieces[index])].tobytes(), VALIDATION_PIECES)
        rows = self._rows(chosen.tolist(), pieces)
        size = self._params.batch
        return [self._collate(self._validation, pieces, rows[start : start + size]) for start in range(0, len(rows), size)]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each next token."""
        return token_losses(model, batch)

    def _batches_of_epoch(self, epoch: int) -> list[list[list[int]]]:
        """Batches of rows of pieces."""
        generator = random_generator(self._params.seed, ORDER, epoch)
        rows = self._rows(generator.permutation(len(self._pieces)).tolist(), self._pieces)
        shuffled = [rows[index] for index in generator.permutation(len(rows))]
        return [shuffled[start : start + self._params.batch] for start in range(0, len(shuffled), self._params.batch)]

    def _rows(self, order: list[int], pieces: NDArray[np.int64]) -> list[list[int]]:
        """The pieces of each row; one piece a row where packing leaks."""
        return pack_best_fit(order, _sizes(pieces), self._context) if self._packs else [[index] for index in order]

    def _collate(self, stream: TokenStream, pieces: NDArray[np.int64], rows: list[list[int]]) -> Batch:
        documents = [[text_document(stream.ids[pieces[piece, 0] : pieces[piece, 1]]) for piece in row] for row in rows]
        length = self._context if self._packs else round_up(max(len(row[0]) for row in documents))
        return collate_rows(documents, length, self._pad)


def _cut(stream: TokenStream, context: int) -> NDArray[np.int64]:
    pieces = cut_documents(np.asarray(stream.offsets), context, overlap=1)
    if not len(pieces):
        raise BadInput("no text to pretrain on", "documents of at least two tokens", "check the data and its filter")
    return pieces


def _sizes(pieces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions a piece takes in a row: its last token is only predicted."""
    sizes: NDArray[np.int64] = pieces[:, 1] - pieces[:, 0] - 1
    return sizes
