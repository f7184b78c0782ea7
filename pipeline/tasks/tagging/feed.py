"""Batches of texts with tags, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from pipeline.models.batch import IGNORED
from pipeline.tasks.tagging.batch import tagged_batch
from pipeline.tasks.tagging.encode import Encode
from pipeline.training.example_feed import ExampleFeed

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.tagging.section import Tagging
    from pipeline.training.base import FeedInputs
    from pipeline.training.example_feed import Columns


class TaggingFeed(ExampleFeed):
    """Feed of tagging."""

    def __init__(self, inputs: FeedInputs, task: Tagging) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no tagged examples, or they may not fit into the model's context.
        """
        inputs.check_context(task.max_tokens, f"task.max_tokens {task.max_tokens}")
        super().__init__(inputs, Encode.fields, "has tags")

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Cross-entropy of each tag, in nats."""
        return tag_losses(model, batch)

    def collate(self, columns: Columns) -> Batch:
        """Texts, and the tags of their tokens."""
        return tagged_batch(columns["text"], columns["places"], columns["tags"], self.vocabulary, self.model.kind)


def tag_losses(model: TextModel, batch: Batch) -> Tensor:
    """Cross-entropy of each tag, in nats: shape [N]."""
    logits_BLK, wanted_BL = model(batch).logits, batch.labels != IGNORED
    return functional.cross_entropy(logits_BLK[wanted_BL].float(), batch.labels[wanted_BL], reduction="none")
