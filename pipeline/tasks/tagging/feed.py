"""Batches of texts with tags, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch.nn import functional

from pipeline.errors import BadInput
from pipeline.models.batch import IGNORED
from pipeline.tasks.tagging.batch import tagged_batch
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.tagging.section import Tagging
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

VALIDATION_EXAMPLES = 1000
"""Examples of the validation split that a validation uses."""


class TaggingFeed:
    """Feed of tagging."""

    def __init__(self, inputs: FeedInputs, task: Tagging) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no tagged examples, or they do not fit into the model's context.
        """
        if task.max_tokens > inputs.context:
            raise BadInput(
                f"task.max_tokens {task.max_tokens}", f"at most model.context {inputs.context}", "lower it, or raise model.context"
            )
        self._vocabulary, self._kind = inputs.tokens.vocabulary, inputs.model.kind
        self._train, self._validation = _Tagged(inputs.tokens, "train"), _Tagged(inputs.tokens, "validation")
        split = self._validation
        self._order = LengthBatches(inputs.params, self._train.lengths, split.lengths, split.content, VALIDATION_EXAMPLES)

    def batch(self, step: int) -> Batch:
        """Examples of similar length."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, by length."""
        return [self._collate(self._validation, chosen) for chosen in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Cross-entropy of each tag, in nats."""
        return tag_losses(model, batch)

    def _collate(self, split: _Tagged, chosen: NDArray[np.int64]) -> Batch:
        text, places, tags = ([field[int(index)] for index in chosen] for field in (split.text, split.places, split.tags))
        return tagged_batch(text, places, tags, self._vocabulary, self._kind)


def tag_losses(model: TextModel, batch: Batch) -> Tensor:
    """Cross-entropy of each tag, in nats: shape [N]."""
    logits_BLK, wanted_BL = model(batch).logits, batch.labels != IGNORED
    return functional.cross_entropy(logits_BLK[wanted_BL].float(), batch.labels[wanted_BL], reduction="none")


class _Tagged:
    """The examples of one split."""

    def __init__(self, tokens: TokenFolder, split: str) -> None:
        self.text = tokens.field(split, "text")
        self.places, self.tags = (tokens.field(split, name, "int32") for name in ("places", "tags"))
        if not len(self.text):
            raise BadInput(f"no document of the {split} split has tags", "", "name data.source.columns.target, or bring more data")
        self.lengths: NDArray[np.int64] = np.diff(np.asarray(self.text.offsets))

    def content(self, index: int) -> bytes:
        """The bytes of an example."""
        return self.text[index].tobytes()
