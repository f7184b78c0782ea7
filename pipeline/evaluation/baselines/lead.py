"""Lead: the first words of the text, as many as an average summary of the train split has."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def lead(train: Sequence[Document], examples: Sequence[Document]) -> list[str]:
    """Cut each text after the mean number of words of a training target, rounded."""
    words = round(fmean(len((document.target or "").split()) for document in train))
    return [" ".join(document.text.split()[:words]) for document in examples]
