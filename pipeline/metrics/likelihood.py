"""Metrics of likelihood: loss, perplexity and bits per byte of the references. Lower is better.

Loss and perplexity are per token, so they cannot be compared across tokenizers. Bits per byte divides by the UTF-8 bytes of the
reference instead, so it can.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Metric, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import AnswerKind


def _statistics(references: Sequence[Any], predictions: Sequence[Prediction]) -> NDArray[Any]:  # noqa: ARG001 - the same for all metrics
    """[n, 3] rows: nats, tokens, bytes."""
    return np.array([prediction.likelihood for prediction in predictions], dtype=np.float64)


def _loss(totals: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(totals[..., 0] / totals[..., 1])


def _perplexity(totals: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.exp(_loss(totals)))


def _bits_per_byte(totals: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(totals[..., 0] / log(2) / totals[..., 2])


LIKELY: frozenset[AnswerKind] = frozenset({"text", "none"})

LOSS = Metric(
    name="loss",
    title="loss",
    meaning="Loss: nats per token of the reference; lower is better.",
    statistics=_statistics,
    value=_loss,
    answers=LIKELY,
    higher_is_better=False,
    digits=3,
    needs="tokens",
)
PERPLEXITY = Metric(
    name="perplexity",
    title="perplexity",
    meaning="Perplexity: the exponential of the loss; lower is better.",
    statistics=_statistics,
    value=_perplexity,
    answers=LIKELY,
    higher_is_better=False,
    needs="tokens",
)
BITS_PER_BYTE = Metric(
    name="bits_per_byte",
    title="bits per byte",
    meaning="Bits per byte: what the model needs to encode a byte of the reference; lower is better, for any tokenizer.",
    statistics=_statistics,
    value=_bits_per_byte,
    answers=LIKELY,
    higher_is_better=False,
    digits=3,
    needs="likelihood",
)
