"""Batches of pairs, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.tasks.embedding.vectors import contrastive_losses, pair_batch
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.embedding.section import Embedding
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

VALIDATION_EXAMPLES = 1000
"""Pairs of the validation split that a validation uses."""


class EmbeddingFeed:
    """Feed of embedding."""

    def __init__(self, inputs: FeedInputs, task: Embedding) -> None:
        """Open the pairs.

        Raises:
            BadInput: there are no pairs, a batch holds a single one, or texts do not fit into the model's context.
        """
        if task.max_tokens > inputs.context:
            raise BadInput(
                f"task.max_tokens {task.max_tokens}", f"at most model.context {inputs.context}", "lower it, or raise model.context"
            )
        if inputs.params.batch < 2:
            raise BadInput("finetuning.batch 1 for task embedding", "at least 2: the other pairs of a batch are the negatives", "raise it")
        self._task, self._vocabulary, self._kind = task, inputs.tokens.vocabulary, inputs.model.kind
        self._train, self._validation = _Pairs(inputs.tokens, "train"), _Pairs(inputs.tokens, "validation")
        split = self._validation
        self._order = LengthBatches(inputs.params, self._train.lengths, split.lengths, split.content, VALIDATION_EXAMPLES)

    def batch(self, step: int) -> Batch:
        """Pairs of similar length."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, by length."""
        return [self._collate(self._validation, chosen) for chosen in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """InfoNCE of each pair, in nats."""
        return contrastive_losses(model, batch, self._task.temperature)

    def _collate(self, pairs: _Pairs, chosen: NDArray[np.int64]) -> Batch:
        first, second = ([field[int(index)] for index in chosen] for field in (pairs.first, pairs.second))
        return pair_batch(first, second, self._vocabulary, self._kind)


class _Pairs:
    """The pairs of one split."""

    def __init__(self, tokens: TokenFolder, split: str) -> None:
        self.first, self.second = tokens.field(split, "first"), tokens.field(split, "second")
        if not len(self.first):
            raise BadInput(f"no document of the {split} split has a second text", "", "name data.source.columns.pair, or bring more data")
        sizes: list[NDArray[np.int64]] = [np.diff(np.asarray(stream.offsets)) for stream in (self.first, self.second)]
        self.lengths = sizes[0] + sizes[1]

    def content(self, index: int) -> bytes:
        """The bytes of an example."""
        return self.first[index].tobytes() + self.second[index].tobytes()
