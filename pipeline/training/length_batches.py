"""Which examples make a batch: those of similar length in training, a sample chosen by hash in validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.training.batch_order import EpochBatches, batches_of_similar_length
from pipeline.training.validation_sample import choose_by_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipeline.recipe.training import Training


class LengthBatches:
    """Indices of the examples of each batch."""

    def __init__(
        self, params: Training, train: NDArray[np.int64], validation: NDArray[np.int64], content: Callable[[int], bytes], wanted: int
    ) -> None:
        """Plan the batches.

        Args:
            params: batch size and seed.
            train: length of each training example, in tokens.
            validation: length of each validation example.
            content: bytes of a validation example; they decide whether it is in the sample.
            wanted: examples that a validation uses at most.
        """
        self._lengths, self._content, self._wanted, self._size = validation, content, wanted, params.batch
        self._epochs = EpochBatches(lambda epoch: batches_of_similar_length(params.seed, epoch, train, params.batch))

    def train(self, step: int) -> NDArray[np.int64]:
        """The training examples of a step, counted from 0."""
        return self._epochs.batch(step)

    def validation(self) -> list[NDArray[np.int64]]:
        """The validation examples of each batch, by length."""
        chosen = choose_by_hash(len(self._lengths), self._content, self._wanted)
        order = chosen[np.argsort(self._lengths[chosen], kind="stable")]
        return [order[start : start + self._size] for start in range(0, len(order), self._size)]
