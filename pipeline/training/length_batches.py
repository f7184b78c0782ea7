"""Which texts or examples make a batch: those of similar length in training, a sample chosen by hash in validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.training.batch_order import EpochBatches, batches_of_similar_length
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.recipe.training import Training
    from pipeline.training.validation_sample import Texts


class LengthBatches:
    """Indices of the texts of each batch."""

    def __init__(self, params: Training, train: Texts, validation: Texts, wanted: int) -> None:
        """Plan the batches.

        Args:
            params: batch size and seed.
            train: of the train split.
            validation: of the validation split.
            wanted: texts that a validation uses at most.
        """
        self._validation, self._wanted, self._size = validation, wanted, params.batch
        per_epoch = -(-len(train.lengths) // params.batch)
        self._epochs = EpochBatches(lambda epoch: batches_of_similar_length(params.seed, epoch, train.lengths, params.batch), per_epoch)

    def train(self, step: int) -> NDArray[np.int64]:
        """The training texts of a step, counted from 0."""
        return self._epochs.batch(step)

    def validation(self) -> list[NDArray[np.int64]]:
        """The validation texts of each batch, by length."""
        lengths, chosen = self._validation.lengths, choose_by_hash(self._validation, self._wanted)
        order = chosen[np.argsort(lengths[chosen], kind="stable")]
        return [order[start : start + self._size] for start in range(0, len(order), self._size)]
