"""Batches of framed texts with their answers, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from pipeline.errors import BadInput
from pipeline.tasks.classification.framing import class_logits, framed_batch
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.classification.section import Classification
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

VALIDATION_EXAMPLES = 1000
"""Examples of the validation split that a validation uses."""


class ClassificationFeed:
    """Feed of classification and regression."""

    def __init__(self, inputs: FeedInputs, task: Classification) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no labelled examples.
        """
        self._task, self._vocabulary, self._kind, self._params = task, inputs.tokens.vocabulary, inputs.model.kind, inputs.params
        self._classes = len(inputs.tokens.labels)
        if task.max_tokens > inputs.context:
            raise BadInput(
                f"task.max_tokens {task.max_tokens}", f"at most model.context {inputs.context}", "lower it, or raise model.context"
            )
        self._train, self._validation = _Labelled(inputs.tokens, "train", task), _Labelled(inputs.tokens, "validation", task)
        split = self._validation
        self._order = LengthBatches(inputs.params, self._train.lengths, split.lengths, split.content, VALIDATION_EXAMPLES)

    def batch(self, step: int) -> Batch:
        """Examples of similar length."""
        return self._collate(self._train, self._order.train(step))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, by length."""
        return [self._collate(self._validation, chosen) for chosen in self._order.validation()]

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """The loss of each example: cross-entropy of the class, mean binary cross-entropy of all classes, or squared error."""
        logits_BK = class_logits(model, batch)
        if self._task.answer == "number":
            return functional.mse_loss(logits_BK[:, 0].float(), batch.labels[:, 0], reduction="none")
        if self._task.answer == "labels":
            return functional.binary_cross_entropy_with_logits(logits_BK.float(), batch.labels, reduction="none").mean(dim=1)
        return functional.cross_entropy(logits_BK.float(), batch.labels, reduction="none")

    def _collate(self, split: _Labelled, chosen: NDArray[np.int64]) -> Batch:
        texts = [(split.first[int(index)], split.second[int(index)]) for index in chosen]
        answers = [split.answer[int(index)] for index in chosen]
        if self._task.answer == "number":
            labels = torch.tensor(np.stack(answers))
        elif self._task.answer == "labels":
            labels = torch.zeros(len(answers), self._classes)
            for row, answer in zip(labels, answers, strict=True):
                row[torch.tensor(answer.astype(np.int64))] = 1.0
        else:
            labels = torch.tensor(np.concatenate(answers).astype(np.int64))
        return framed_batch(texts, self._vocabulary, self._kind, labels)


class _Labelled:
    """The examples of one split."""

    def __init__(self, tokens: TokenFolder, split: str, task: Classification) -> None:
        self.first, self.second = tokens.field(split, "first"), tokens.field(split, "second")
        self.answer = tokens.field(split, "answer", "float32" if task.answer == "number" else "int32")
        if not len(self.first):
            raise BadInput(f"no document of the {split} split has a label", "", "name data.source.columns.target, or bring more data")
        sizes: list[NDArray[np.int64]] = [np.diff(np.asarray(stream.offsets)) for stream in (self.first, self.second)]
        self.lengths = sizes[0] + sizes[1]

    def content(self, index: int) -> bytes:
        """The bytes of an example."""
        return self.first[index].tobytes() + self.second[index].tobytes()
