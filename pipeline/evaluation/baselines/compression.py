"""Compression: what gzip's algorithm needs for a text, as the likelihood of a system that learned from the training texts.

Each text is compressed alone, with training texts as the dictionary: as many as DEFLATE looks back to. A byte that costs b bits has
the probability 2 to the power of -b, so its bits per byte compare with those of a language model.
"""

from __future__ import annotations

import zlib
from math import log
from typing import TYPE_CHECKING

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.metrics.base import Likelihood, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

DICTIONARY = 32_768
"""Bytes that DEFLATE can look back."""


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """The compressed size of each text, without gzip's header."""
    dictionary = _dictionary(known)
    return [_prediction(document.text.encode(), dictionary) for document in asked]


def _dictionary(known: Known) -> bytes:
    parts, size = [], 0
    for document in known.documents:
        if size >= DICTIONARY:
            break
        parts.append(document.text.encode())
        size += len(parts[-1]) + 1
    return b"\n".join(parts)[:DICTIONARY]


def _prediction(text: bytes, dictionary: bytes) -> Prediction:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=dictionary)
    size = len(compressor.compress(text) + compressor.flush())
    return Prediction(likelihood=Likelihood(8 * size * log(2), 0, len(text)))


GZIP = Baseline("each text compressed, with training texts as the dictionary", _predict)
