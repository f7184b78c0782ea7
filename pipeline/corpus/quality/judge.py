"""The filter: a trained classifier that gives each text a score, and keeps those above its limit.

There are two classifiers, each of which learned from one half of the samples. A digest of a text says in which half it would be, and the other
classifier judges it. So no text is judged by what learned from it: a classifier drops what it learned to be of the corpus.

Weights are integers, so the sum of a text is exact: every machine decides alike.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.cleaning.base import Verdict
from pipeline.corpus.quality import FACTS, WEIGHTS
from pipeline.corpus.quality.features import digest_of, features_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.cleaning.base import Candidate
    from pipeline.corpus.quality.features import Features

KIND = "quality"
"""Counted as ``filtered_quality``."""

HALVES = 2

ONE = 1 << 20
"""The integer that stands for the weight 1."""


def score(features: Features, weights: NDArray[np.int64], bias: int) -> float:
    """The log odds that a text is of the reference; that of a text without words is the bias.

    Args:
        features: of the text.
        weights: [features] in units of 1 / `ONE`.
        bias: in the same units.
    """
    total = int(weights[features].sum()) / math.sqrt(len(features)) if len(features) else 0.0
    return (total + bias) / ONE


class QualityJudge:
    """Filters texts that do not look like the reference."""

    def __init__(self, folder: Path) -> None:
        """Read a classifier.

        Args:
            folder: of the artifact.
        """
        facts = json.loads((folder / FACTS).read_bytes())
        self.weights: NDArray[np.int64] = np.load(folder / WEIGHTS).astype(np.int64)
        self.biases, self.limits = [int(one) for one in facts["biases"]], [float(one) for one in facts["limits"]]

    def judge(self, found: Candidate) -> Verdict:
        """Keep a text at the limit or above."""
        half = digest_of(found.text) % HALVES
        margin = score(features_of(found.text), self.weights[half], self.biases[half]) - self.limits[half]
        return Verdict(None if margin >= 0 else KIND, margin=margin)
