"""Nearest image: the answer of the training image whose pixels are most similar, both made very small.

It shows how much of a caption follows from colours and their places alone.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document

SIDE = 8
"""Images are compared as squares of so many means."""


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Answer with the answer of the most similar training image; of equally similar ones the first."""
    places, questions = _small(known.documents), _small(asked)
    lengths = (places**2).sum(axis=1)
    return [Prediction(known.answers[int((lengths - 2 * places @ question).argmin())]) for question in questions]


def _small(documents: Sequence[Document]) -> NDArray[np.float64]:
    """[documents, SIDE * SIDE * 3] means of the pixels of each image."""
    return np.array([_means(document.image or b"") for document in documents]).reshape(len(documents), -1)


def _means(image: bytes) -> NDArray[np.float64]:
    side = isqrt(len(image) // 3)
    starts = np.arange(SIDE) * side // SIDE
    sums = np.add.reduceat(np.add.reduceat(np.frombuffer(image, np.uint8).reshape(side, side, 3).astype(np.float64), starts, 0), starts, 1)
    sizes = np.diff([*starts, side])
    return np.asarray(sums / (sizes[:, None, None] * sizes[None, :, None]))


NEAREST_IMAGE = Baseline("the answer of the training image with the most similar pixels", _predict)
