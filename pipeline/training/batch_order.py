"""The order of training examples: a pure function of seed, epoch and step.

A checkpoint stores no position in the data: the batch of step 7,000 is the same in an undisturbed run and in a resumed one. The
stock loaders restore a generator instead, and must fetch one batch too early to restore it in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

T = TypeVar("T")

ORDER, MASKS, DROPOUT = 1, 2, 3
"""What random numbers are drawn for; part of the seed, so that no two purposes share a stream."""

WINDOW = 64
"""Batches among which examples are sorted by length: enough to waste under 3 % on padding, few enough to stay random."""


def random_generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    """A separate generator for each purpose and each epoch or step."""
    return np.random.default_rng([seed, purpose, number])


def batches_of_similar_length(seed: int, epoch: int, lengths: NDArray[np.integer], batch: int) -> list[NDArray[np.int64]]:
    """Batches of examples of similar length, in random order, covering every example once.

    Args:
        seed: of the run.
        epoch: counted from 0.
        lengths: of each example, in tokens.
        batch: examples per batch; the last one of an epoch may be smaller.

    Returns:
        Indices of the examples of each batch.
    """
    generator = random_generator(seed, ORDER, epoch)
    shuffled = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(shuffled), WINDOW * batch):
        window = shuffled[start : start + WINDOW * batch]
        by_length = window[np.argsort(lengths[window], kind="stable")]
        batches += [by_length[first : first + batch] for first in range(0, len(by_length), batch)]
    return [batches[index] for index in generator.permutation(len(batches))]


class EpochBatches(Generic[T]):
    """Maps a step to its batch. The batches of an epoch are computed when a step first needs them."""

    def __init__(self, batches_of_epoch: Callable[[int], Sequence[T]], per_epoch: int | None = None) -> None:
        """Take the plan of an epoch.

        Args:
            batches_of_epoch: a pure function from the number of an epoch to its batches, at least one.
            per_epoch: batches of every epoch, so that a resumed run plans only its own; None where they differ, and all epochs before a
                step are planned to find it.
        """
        self._batches_of_epoch, self._per_epoch = batches_of_epoch, per_epoch
        self._starts = [0]
        self._current: tuple[int, Sequence[T]] | None = None

    def batch(self, step: int) -> T:
        """The batch of step ``step``, counted from 0."""
        if self._per_epoch is not None:
            epoch, place = divmod(step, self._per_epoch)
            return self._epoch(epoch)[place]
        epoch = 0
        while True:
            if epoch + 1 == len(self._starts):
                self._starts.append(self._starts[epoch] + len(self._epoch(epoch)))
            if step < self._starts[epoch + 1]:
                return self._epoch(epoch)[step - self._starts[epoch]]
            epoch += 1

    def _epoch(self, epoch: int) -> Sequence[T]:
        if self._current is None or self._current[0] != epoch:
            self._current = (epoch, self._batches_of_epoch(epoch))
        return self._current[1]
