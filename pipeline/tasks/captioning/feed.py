"""Batches of images and captions, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.architecture import context_of
from pipeline.models.image_to_text import collate_captions
from pipeline.models.losses import token_losses
from pipeline.tasks.captioning.encode import Encode
from pipeline.training.example_feed import ExampleFeed

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.captioning.section import Captioning
    from pipeline.training.base import FeedInputs
    from pipeline.training.example_feed import Columns


class CaptionFeed(ExampleFeed):
    """Captions of similar length share a batch."""

    validated = 640
    """±2 % of the loss, as for other written answers."""

    def __init__(self, inputs: FeedInputs, task: Captioning) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no examples, or a caption may not fit into the model's context.
        """
        if context_of(inputs.model.core.config) is not None:
            inputs.check_context(task.max_target_tokens, f"task.max_target_tokens {task.max_target_tokens}")
        super().__init__(inputs, Encode.fields, "has an image and a caption")

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each token of a caption."""
        return token_losses(model, batch)

    def collate(self, columns: Columns) -> Batch:
        """Images and captions."""
        return collate_captions(self.model, columns["image"], columns["target"], self.vocabulary)
