"""Batches of sources and targets, and their loss.

An encoder-decoder reads the source and writes the target. A decoder writes the target as the continuation of the source. Examples
of similar length share a batch, and the loss covers target tokens only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.models.collate import collate_answers, prompt_ids
from pipeline.models.losses import token_losses
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.section import WrittenAnswer
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

VALIDATION_EXAMPLES = 640
"""Examples of the validation split that a validation uses: ±2 % of the loss, in a second or two."""


class WrittenFeed:
    """Feed of every task whose answer is a text."""

    def __init__(self, inputs: FeedInputs, task: WrittenAnswer) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no examples, or one does not fit into a decoder's context.
        """
        self._model, self._params, self._vocabulary = inputs.model, inputs.params, inputs.tokens.vocabulary
        framing = len(prompt_ids([], self._vocabulary, inputs.model.kind))
        needed = framing + task.max_source_tokens + task.max_target_tokens
        if inputs.model.kind is Kind.DECODER and needed > inputs.context:
            raise BadInput(
                f"model.context {inputs.context}",
                f"at least {needed}: source, answer and {framing} special tokens",
                "raise it, or lower task.max_source_tokens",
            )
        self._train, self._validation = _Pairs(inputs.tokens, "train"), _Pairs(inputs.tokens, "validation")
        split = self._validation
        self._order = LengthBatches(inputs.params, self._train.lengths, split.lengths, split.content, VALIDATION_EXAMPLES)

    def batch(self, step: int) -> Batch:
        """Examples of similar length."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, by length."""
        return [self._collate(self._validation, chosen) for chosen in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """Negative log-likelihood of each target token."""
        return token_losses(model, batch)

    def _collate(self, pairs: _Pairs, chosen: NDArray[np.int64]) -> Batch:
        sources, targets = [pairs.source[int(i)] for i in chosen], [pairs.target[int(i)] for i in chosen]
        return collate_answers(self._model, sources, targets, self._vocabulary)


class _Pairs:
    """Sources and targets of one split, example by example."""

    def __init__(self, tokens: TokenFolder, split: str) -> None:
        self.source, self.target = tokens.field(split, "source"), tokens.field(split, "target")
        if not len(self.source):
            raise BadInput(f"no document of the {split} split has a target", "", "name data.source.columns.target, or check the filter")
        sizes: list[NDArray[np.int64]] = [np.diff(np.asarray(stream.offsets)) for stream in (self.source, self.target)]
        self.lengths = sizes[0] + sizes[1]

    def content(self, index: int) -> bytes:
        """The bytes of an example."""
        return self.source[index].tobytes() + self.target[index].tobytes()
