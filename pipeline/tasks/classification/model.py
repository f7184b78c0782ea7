"""A model that classifies: its head, its feed, and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.families.kinds import Head, Kind
from pipeline.metrics.base import Prediction
from pipeline.models.build import HeadSpec
from pipeline.tasks.classification.framing import class_logits, framed_batch
from pipeline.tasks.parts import part
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.classification.encode import Encode
    from pipeline.tasks.classification.feed import ClassificationFeed
    from pipeline.tasks.classification.section import Classification
    from pipeline.training.base import FeedInputs

PROBLEMS = {"label": "single_label_classification", "labels": "multi_label_classification", "number": "regression"}
"""The section's ``answer`` → transformers' ``problem_type``."""

THRESHOLD = 0.5
"""Probability from which a class is among several answers."""

NUMBER = "number"
"""Name of the single output of a regression."""


class Classifier:
    """What training, evaluation and serving ask of classification."""

    def __init__(self, task: Classification) -> None:
        """Take the kind of answer, the limit and the pooling of the recipe."""
        self._task = task
        self._encode: Encode = part(task, "encode")

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:
        """A classifier over the classes of the corpus."""
        pooled = kind is Kind.ENCODER and self._task.pooling == "mean"
        classes = (NUMBER,) if self._task.answer == "number" else labels
        return HeadSpec(Head.SEQUENCE_CLASSIFICATION, classes, PROBLEMS[self._task.answer], mean_pooling=pooled)

    def feed(self, inputs: FeedInputs) -> ClassificationFeed:
        """Batches of texts with their answers."""
        from pipeline.tasks.classification.feed import ClassificationFeed  # a served model ships no training

        return ClassificationFeed(inputs, self._task)

    @torch.inference_mode()
    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """The answer for each document, with the probability of each class."""
        encoder, labels = encoder_of(loaded), loaded.info.head.labels
        texts = [found for found, _ in self._encode.texts(documents, encoder)]
        order = sorted(range(len(texts)), key=lambda index: (len(texts[index][0]) + len(texts[index][1]), index))
        predictions = [Prediction()] * len(texts)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            rows = framed_batch([texts[index] for index in chosen], encoder.vocabulary, torch.zeros(len(chosen)))
            logits_BK = class_logits(loaded.model, rows.to(loaded.device)).float().cpu()
            for index, logits_K in zip(chosen, logits_BK, strict=True):
                predictions[index] = self._prediction(logits_K, labels)
            progress.beat()
            progress.report(start + len(chosen))
        return predictions

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> None:
        """A classifier writes no text, so there is none to find probable."""

    def _prediction(self, logits_K: torch.Tensor, labels: tuple[str, ...]) -> Prediction:
        if self._task.answer == "number":
            return Prediction(float(logits_K[0]))
        chances = (logits_K.sigmoid() if self._task.answer == "labels" else logits_K.softmax(dim=0)).tolist()
        scores = dict(zip(labels, chances, strict=True))
        answer: Answer = max(scores, key=lambda label: scores[label])
        if self._task.answer == "labels":
            answer = tuple(sorted(label for label, chance in scores.items() if chance >= THRESHOLD))
        return Prediction(answer, scores=scores)
