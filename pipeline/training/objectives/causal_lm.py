"""Causal language modelling: predict every next token, in packed rows whose documents cannot see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.training.cut_texts import CutTexts
from pipeline.training.packed_rows import PackedRows

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.training.base import FeedInputs
    from pipeline.training.packed_rows import Rows

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
        self._context, self._pad = inputs.context, inputs.tokens.vocabulary.pad
        streams = (inputs.tokens.stream(split) for split in ("train", "validation"))
        self._train, self._validation = (CutTexts(stream, inputs.context, overlap=1) for stream in streams)
        self._order = PackedRows(inputs, self._train, self._validation, VALIDATION_PIECES)

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """Rows of a sample of the validation split."""
        return [self._collate(self._validation, rows) for rows in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each next token."""
        return token_losses(model, batch)

    def _collate(self, pieces: CutTexts, rows: Rows) -> Batch:
        documents = [[text_document(pieces[index]) for index in row] for row in rows]
        length = self._context if self._order.packs else round_up(max(len(row[0]) for row in documents))
        return collate_rows(documents, length, self._pad)
