"""Batches of sources and targets, and their loss.

An encoder-decoder reads the source and writes the target. A decoder writes the target as the continuation of the source. The loss
covers target tokens only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.families.kinds import Kind
from pipeline.models.architecture import context_of
from pipeline.models.collate import collate_answers, prompt_ids
from pipeline.models.losses import token_losses
from pipeline.tasks.written.encode import Encode
from pipeline.training.example_feed import ExampleFeed

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.section import WrittenAnswer
    from pipeline.training.base import FeedInputs
    from pipeline.training.example_feed import Columns


class WrittenFeed(ExampleFeed):
    """Feed of every task whose answer is a text."""

    validated = 640
    """±2 % of the loss, in a second or two."""

    def __init__(self, inputs: FeedInputs, task: WrittenAnswer) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no examples, or one may not fit into the model's context.
        """
        source, target = task.max_source_tokens, task.max_target_tokens
        framed = source + len(prompt_ids([], inputs.tokens.vocabulary, inputs.model.kind))
        if inputs.model.kind is Kind.DECODER:
            inputs.check_context(framed + target, f"{framed + target} tokens of source, answer and special tokens")
        elif context_of(inputs.model.core.config) is not None:
            inputs.check_context(framed, f"{framed} tokens of source and special tokens")
            inputs.check_context(target, f"task.max_target_tokens {target}")
        super().__init__(inputs, Encode.fields, "has a target")
        self.given = task.given_tokens

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each target token."""
        return token_losses(model, batch)

    def collate(self, columns: Columns) -> Batch:
        """Sources and targets."""
        return collate_answers(self.model, columns["source"], columns["target"], self.vocabulary, self.given)
