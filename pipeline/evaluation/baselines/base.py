"""What a baseline is: a function from known examples and new documents to predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer, Prediction


class Known(NamedTuple):
    """Training documents with their answers, at least one."""

    documents: Sequence[Document]
    answers: Sequence[Answer]
    """One for each document, of the kind that the task says."""


class Predict(Protocol):
    """Answers documents."""

    def __call__(self, known: Known, asked: Sequence[Document]) -> list[Prediction]:
        """Predict one answer for each document.

        Args:
            known: what may be learned from.
            asked: what to answer; a baseline must not read the targets of these documents.

        Returns:
            One prediction for each document, in order; the same for the same arguments.
        """


@dataclass(frozen=True)
class Baseline:
    """A system without a model."""

    description: str
    """What it answers, in a few words for the report."""

    predict: Predict
