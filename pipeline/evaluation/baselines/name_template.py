"""Name template: "Return the" and the words of the name. Hard to beat for code, whose names are chosen to be descriptive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction
from pipeline.tokens.prompt import name_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:  # noqa: ARG001 - the same for all baselines
    """Put the words of the last part of the dotted name after "Return the"; a document without a name gets just that."""
    names = [document.name.rpartition(".")[2] for document in asked]
    return [Prediction(" ".join(["Return the", *name_words(name)]) + ".") for name in names]


NAME_TEMPLATE = Baseline("“Return the” and the words of the name", _predict)
