"""Packed conversations, whose answers are predicted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.models.attention import isolates_documents
from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.training.batch_order import ORDER, EpochBatches, random_generator
from pipeline.training.packing import pack_best_fit
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.collate import PackedDocument
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.chat.section import Chat
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

log = logging.getLogger(__name__)

VALIDATION_CONVERSATIONS = 256
"""Conversations of the validation split that a validation uses."""


class ChatFeed:
    """Feed of chat: ``batch`` rows of packed conversations."""

    def __init__(self, inputs: FeedInputs, task: Chat) -> None:
        """Open the conversations.

        Raises:
            BadInput: there are none, or one may be longer than the context.
        """
        longest = task.max_source_tokens + task.max_target_tokens
        if longest > inputs.context:
            raise BadInput(f"model.context {inputs.context}", f"at least {longest}", "raise it, or lower task.max_source_tokens")
        self._params, self._pad, self._context = inputs.params, inputs.tokens.vocabulary.pad, inputs.context
        self._packs = isolates_documents(inputs.model, inputs.tokens.vocabulary.size)
        if not self._packs:
            log.warning("packed conversations would see each other in this model: rows are padded instead")
        self._train, self._validation = _Conversations(inputs.tokens, "train"), _Conversations(inputs.tokens, "validation")
        self._epochs = EpochBatches(self._batches_of_epoch)

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._epochs.batch(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split."""
        split, size = self._validation, self._params.batch
        chosen = choose_by_hash(len(split.ids), lambda index: split.ids[index].tobytes(), VALIDATION_CONVERSATIONS)
        rows = self._rows(chosen.tolist(), split)
        return [self._collate(split, rows[start : start + size]) for start in range(0, len(rows), size)]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each token of an answer."""
        return token_losses(model, batch)

    def _batches_of_epoch(self, epoch: int) -> list[list[list[int]]]:
        """Batches of rows of conversations."""
        generator = random_generator(self._params.seed, ORDER, epoch)
        rows = self._rows(generator.permutation(len(self._train.ids)).tolist(), self._train)
        shuffled = [rows[index] for index in generator.permutation(len(rows))]
        return [shuffled[start : start + self._params.batch] for start in range(0, len(shuffled), self._params.batch)]

    def _rows(self, order: list[int], split: _Conversations) -> list[list[int]]:
        """The conversations of each row; one a row where packing leaks."""
        return pack_best_fit(order, split.lengths - 1, self._context) if self._packs else [[index] for index in order]

    def _collate(self, split: _Conversations, rows: Sequence[Sequence[int]]) -> Batch:
        documents = [[split.document(index) for index in row] for row in rows]
        # no longer than the fullest row: conversations are shorter than a context that was made for others
        return collate_rows(documents, round_up(max(sum(map(len, row)) for row in documents)), self._pad)


class _Conversations:
    """The examples of one split."""

    def __init__(self, tokens: TokenFolder, split: str) -> None:
        self.ids, self.predicted = tokens.field(split, "ids"), tokens.field(split, "predicted", "int8")
        if not len(self.ids):
            raise BadInput(f"no conversation of the {split} split fits", "", "raise task.max_source_tokens, or bring more data")
        self.lengths = np.diff(np.asarray(self.ids.offsets))

    def document(self, index: int) -> PackedDocument:
        """One conversation."""
        return text_document(self.ids[index], np.asarray(self.predicted[index], dtype=bool))
