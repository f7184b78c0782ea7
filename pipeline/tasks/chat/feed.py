"""Packed conversations, whose answers are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.tasks.chat.encode import Encode
from pipeline.training.example_feed import Examples
from pipeline.training.packed_rows import PackedRows

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.chat.section import Chat
    from pipeline.training.base import FeedInputs
    from pipeline.training.packed_rows import Rows

VALIDATION_CONVERSATIONS = 256
"""Conversations of the validation split that a validation uses."""


class ChatFeed:
    """Feed of chat: ``batch`` rows of packed conversations."""

    def __init__(self, inputs: FeedInputs, task: Chat) -> None:
        """Open the conversations.

        Raises:
            BadInput: there are none, or one may be longer than the context.
        """
        longest = task.longest(inputs.model.kind)
        inputs.check_context(longest, f"{longest} tokens of conversation and answer")
        self._train, self._validation = (
            Examples(inputs.tokens, split, Encode.fields, "is a conversation that fits") for split in ("train", "validation")
        )
        self._order = PackedRows(inputs, self._train, self._validation, VALIDATION_CONVERSATIONS)
        self._pad = inputs.tokens.vocabulary.pad

    def batch(self, step: int) -> Batch:
        """Packed rows."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split."""
        return [self._collate(self._validation, rows) for rows in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each token of an answer."""
        return token_losses(model, batch)

    def _collate(self, split: Examples, rows: Rows) -> Batch:
        documents = []
        for row in rows:
            found = split.take(row)
            pairs = zip(found["ids"], found["predicted"], strict=True)
            documents.append([text_document(ids, np.asarray(predicted, dtype=bool)) for ids, predicted in pairs])
        # no longer than the fullest row: conversations are shorter than a context that was made for others
        return collate_rows(documents, round_up(max(sum(map(len, row)) for row in documents)), self._pad)
