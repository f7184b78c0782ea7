"""Batches of pairs, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.tasks.embedding.encode import Encode
from pipeline.tasks.embedding.vectors import contrastive_losses, pair_batch
from pipeline.training.example_feed import ExampleFeed

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.embedding.section import Embedding
    from pipeline.training.base import FeedInputs
    from pipeline.training.example_feed import Columns


class EmbeddingFeed(ExampleFeed):
    """Feed of embedding."""

    def __init__(self, inputs: FeedInputs, task: Embedding) -> None:
        """Open the pairs.

        Raises:
            BadInput: there are no pairs, a batch holds a single one, or texts do not fit into the model's context.
        """
        inputs.check_context(task.max_tokens, f"task.max_tokens {task.max_tokens}")
        if inputs.params.batch < 2:
            raise BadInput("finetuning.batch 1 for task embedding", "at least 2: the other pairs of a batch are the negatives", "raise it")
        super().__init__(inputs, Encode.fields, "has a second text")
        self._temperature = task.temperature

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """InfoNCE of each pair, in nats."""
        return contrastive_losses(model, batch, self._temperature)

    def collate(self, columns: Columns) -> Batch:
        """First and second texts."""
        return pair_batch(columns["first"], columns["second"], self.vocabulary, self.model.kind)
