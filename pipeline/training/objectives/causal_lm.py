"""Causal language modelling: predict every next token, in packed rows whose documents cannot see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.models.collate import collate_rows, text_document
from pipeline.training.order import EPOCH, Epochs, random
from pipeline.training.packing import best_fit, pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.models.base import Batch
    from pipeline.models.shape import Shape
    from pipeline.recipe.training import Training
    from pipeline.tokens.reader import TokenStream
    from pipeline.training.tokens import TokenFolder

VALIDATION_ROWS = 256
"""Rows of the validation split that are looked at: at 128 tokens each, enough for ±1 % of the loss."""


class CausalLm:
    """Feed of a decoder in pretraining."""

    def __init__(self, tokens: TokenFolder, shape: Shape, params: Training) -> None:
        """Cut the documents to the model's context.

        Raises:
            BadInput: the family is not a decoder, or there is no text.
        """
        if shape.family != "gpt2":
            raise BadInput(f"objective causal_lm for family {shape.family!r}", "a decoder: gpt2", "change model.family or the objective")
        self._context, self._filler, self._params = shape.context, tokens.specials.pad, params
        self._train, self._validation = tokens.stream("stream-train"), tokens.stream("stream-validation")
        self._pieces = _pieces(self._train, shape.context)
        self._epochs = Epochs(self._plan)

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._pieces, self._epochs.at(step))

    def validation(self) -> list[Batch]:
        """The first rows of the validation split."""
        cut = _pieces(self._validation, self._context)
        rows = best_fit(range(len(cut)), _sizes(cut), self._context)[:VALIDATION_ROWS]
        size = self._params.batch
        return [self._collate(self._validation, cut, rows[start : start + size]) for start in range(0, len(rows), size)]

    def _plan(self, epoch: int) -> list[list[list[int]]]:
        """Batches of rows of pieces."""
        shuffled = random(self._params.seed, EPOCH, epoch)
        rows = best_fit(shuffled.permutation(len(self._pieces)).tolist(), _sizes(self._pieces), self._context)
        mixed = [rows[index] for index in shuffled.permutation(len(rows))]
        return [mixed[start : start + self._params.batch] for start in range(0, len(mixed), self._params.batch)]

    def _collate(self, stream: TokenStream, cut: NDArray[np.int64], rows: list[list[int]]) -> Batch:
        documents = [[text_document(stream.ids[cut[piece, 0] : cut[piece, 1]]) for piece in row] for row in rows]
        return collate_rows(documents, self._context, self._filler)


def _pieces(stream: TokenStream, context: int) -> NDArray[np.int64]:
    cut = pieces(np.asarray(stream.offsets), context, overlap=1)
    if not len(cut):
        raise BadInput("no text to pretrain on", "documents of at least two tokens", "check the data and its filter")
    return cut


def _sizes(cut: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions a piece takes in a row: its last token is only predicted."""
    sizes: NDArray[np.int64] = cut[:, 1] - cut[:, 0] - 1
    return sizes
