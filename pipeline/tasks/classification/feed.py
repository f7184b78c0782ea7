"""Batches of framed texts with their answers, and their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from pipeline.tasks.classification.encode import Encode
from pipeline.tasks.classification.framing import class_logits, framed_batch
from pipeline.training.example_feed import ExampleFeed

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.tasks.classification.section import Classification
    from pipeline.training.base import FeedInputs
    from pipeline.training.example_feed import Columns


class ClassificationFeed(ExampleFeed):
    """Feed of classification and regression."""

    def __init__(self, inputs: FeedInputs, task: Classification) -> None:
        """Open the examples.

        Raises:
            BadInput: there are no labelled examples, or they may not fit into the model's context.
        """
        inputs.check_context(task.max_tokens, f"task.max_tokens {task.max_tokens}")
        super().__init__(inputs, Encode(task).fields, "has a label")
        self._task, self._classes = task, len(inputs.tokens.labels)

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """The loss of each example: cross-entropy of the class, mean binary cross-entropy of all classes, or squared error."""
        logits_BK = class_logits(model, batch)
        if self._task.answer == "number":
            return functional.mse_loss(logits_BK[:, 0].float(), batch.labels[:, 0], reduction="none")
        if self._task.answer == "labels":
            return functional.binary_cross_entropy_with_logits(logits_BK.float(), batch.labels, reduction="none").mean(dim=1)
        return functional.cross_entropy(logits_BK.float(), batch.labels, reduction="none")

    def collate(self, columns: Columns) -> Batch:
        """Texts and answers."""
        texts = list(zip(columns["first"], columns["second"], strict=True))
        return framed_batch(texts, self.vocabulary, self._labels(columns["answer"]))

    def _labels(self, answers: list[NDArray[Any]]) -> Tensor:
        """Classes [B], or numbers [B, K]: the values of a regression, or 1 for each class that an example has."""
        if self._task.answer == "number":
            return torch.tensor(np.stack(answers))
        if self._task.answer == "label":
            return torch.tensor(np.concatenate(answers).astype(np.int64))
        labels = torch.zeros(len(answers), self._classes)
        for row, answer in zip(labels, answers, strict=True):
            row[torch.tensor(answer.astype(np.int64))] = 1.0
        return labels
