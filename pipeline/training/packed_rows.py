"""Which texts share a row, and which rows a batch, where a model keeps the texts of a row apart."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.models.attention import isolates_documents
from pipeline.training.batch_order import ORDER, EpochBatches, random_generator
from pipeline.training.packing import pack_best_fit
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from pipeline.training.base import FeedInputs
    from pipeline.training.validation_sample import Texts

log = logging.getLogger(__name__)

Rows = list[list[int]]
"""The texts of each row, as indices."""


class PackedRows:
    """Rows of texts, packed with little padding; one text a row in a model that would leak between them.

    Attributes:
        packs: whether rows hold several texts.
    """

    def __init__(self, inputs: FeedInputs, train: Texts, validation: Texts, wanted: int) -> None:
        """Probe the model.

        Args:
            inputs: model, context, params.
            train: of the train split; none has more than one token above the context.
            validation: of the validation split.
            wanted: texts that a validation uses at most.
        """
        self._seed, self._size, self._context = inputs.params.seed, inputs.params.batch, inputs.context
        self._train, self._validation, self._wanted = train, validation, wanted
        self.packs = isolates_documents(inputs.model, inputs.tokens.vocabulary.size)
        if not self.packs:
            log.warning("packed texts would see each other in this model: rows are padded instead")
        # how many rows an epoch packs depends on its order
        self._epochs = EpochBatches(self._batches_of_epoch, None if self.packs else -(-len(train.lengths) // self._size))

    def train(self, step: int) -> Rows:
        """The rows of a step, counted from 0."""
        return self._epochs.batch(step)

    def validation(self) -> list[Rows]:
        """The rows of each validation batch."""
        return self._batches(self._rows(choose_by_hash(self._validation, self._wanted).tolist(), self._validation))

    def _batches_of_epoch(self, epoch: int) -> list[Rows]:
        generator = random_generator(self._seed, ORDER, epoch)
        rows = self._rows(generator.permutation(len(self._train.lengths)).tolist(), self._train)
        return self._batches([rows[index] for index in generator.permutation(len(rows))])

    def _batches(self, rows: Rows) -> list[Rows]:
        return [rows[start : start + self._size] for start in range(0, len(rows), self._size)]

    def _rows(self, order: list[int], texts: Texts) -> Rows:
        # a text takes one position less than it has tokens: the last one is only predicted
        return pack_best_fit(order, texts.lengths - 1, self._context) if self.packs else [[index] for index in order]
