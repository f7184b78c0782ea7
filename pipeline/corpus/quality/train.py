"""Trains the classifier: logistic regression on hashed words, the reference against a sample of the corpus.

scikit-learn's stochastic gradient descent goes through the texts in a seeded order, one after the other, so the weights do not depend on the number
of threads. Each half of the texts is scored by the classifier of the other half (cross-fitting). These scores show how well they separate, and where
to cut: nobody has learned from a text that is scored.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.corpus.quality import FACTS, WEIGHTS
from pipeline.corpus.quality.features import SIZE
from pipeline.corpus.quality.judge import HALVES, ONE, score
from pipeline.corpus.quality.sample import LEAST, Sample, read_sample
from pipeline.corpus.quality.scores import area, balanced_accuracy, share
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.quality.features import Features
    from pipeline.recipe.quality import QualityLimit

PASSES, PENALTY, SEED = 20, 1e-4, 0
"""Passes over the texts, weight of the L2 penalty, and seed of their order."""


def train_classifier(reference: Path, corpus: Path, limit: QualityLimit, output: Path) -> dict[str, float]:
    """Train, measure and write a classifier.

    Args:
        reference: folder of the sample of the reference.
        corpus: folder of the sample of the corpus.
        limit: where it cuts.
        output: empty folder to fill.

    Returns:
        The main figures, as metrics.

    Raises:
        BadInput: the two cannot be told apart.
    """
    good = read_sample(reference)
    plain = _without(read_sample(corpus), good)
    halves = [(_half(good, half), _half(plain, half)) for half in range(HALVES)]
    fitted = [_fit(*halves[1 - half]) for half in range(HALVES)]
    scores = [
        tuple(np.array([score(text, *found) for text in texts]) for texts in half) for half, found in zip(halves, fitted, strict=True)
    ]
    facts = _facts(scores, limit) | {"biases": [bias for _, bias in fitted], "texts": [len(good.features), len(plain.features)]}
    _check_apart(facts)
    np.save(output / WEIGHTS, np.stack([weights for weights, _ in fitted]).astype(np.int32))
    (output / FACTS).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return {f"quality/{name}": facts[name]["value"] for name in ("auc", "accuracy", "kept_reference", "kept_corpus")}


def _without(sample: Sample, other: Sample) -> Sample:
    """The texts of a sample that are not in another one: a reference is often a part of the corpus."""
    kept = np.flatnonzero(~np.isin(sample.texts, other.texts))
    if len(kept) < LEAST:
        got = f"all but {len(kept)} of {len(sample.texts)} sampled texts of the corpus are in data.quality.like"
        raise BadInput(got, "a corpus that is not the reference", "correct data.quality.like")
    return Sample([sample.features[place] for place in kept], sample.texts[kept])


def _half(sample: Sample, half: int) -> list[Features]:
    """The texts of one half."""
    return [text for text, digest in zip(sample.features, sample.texts.tolist(), strict=True) if digest % HALVES == half]


def _fit(good: list[Features], plain: list[Features]) -> tuple[NDArray[np.int64], int]:
    """Weights and bias of the log odds, in units of 1 / `ONE`."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import SGDClassifier

    texts = [*good, *plain]
    lengths = np.array([len(text) for text in texts])
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    matrix = csr_matrix((values, np.concatenate(texts), np.concatenate([[0], np.cumsum(lengths)])), shape=(len(texts), SIZE))
    labels = np.repeat([1, 0], [len(good), len(plain)])
    model = SGDClassifier(
        loss="log_loss", alpha=PENALTY, max_iter=PASSES, tol=None, random_state=SEED, class_weight="balanced", average=True
    ).fit(matrix, labels)
    return np.rint(model.coef_[0] * ONE).astype(np.int64), round(float(model.intercept_[0]) * ONE)


def _facts(scores: list[tuple[NDArray[np.float64], ...]], limit: QualityLimit) -> dict[str, Any]:
    """What the scores of both halves show; those of reference and corpus for each half."""
    cuts = [
        float(np.quantile(plain, 1 - limit.keep)) if limit.keep is not None else _log_odds(limit.min_score or 0.5) for _, plain in scores
    ]
    kept = [np.concatenate([half[kind] >= cut for half, cut in zip(scores, cuts, strict=True)]) for kind in (0, 1)]
    right = [np.concatenate([(half[kind] >= 0) == (kind == 0) for half in scores]) for kind in (0, 1)]
    return {
        "limits": cuts,
        "auc": area(scores),
        "accuracy": balanced_accuracy(*right),
        "kept_reference": share(int(kept[0].sum()), len(kept[0])),
        "kept_corpus": share(int(kept[1].sum()), len(kept[1])),
    }


def _check_apart(facts: dict[str, Any]) -> None:
    """Refuse a classifier that guesses."""
    auc = facts["auc"]
    if auc["low"] <= 0.5:
        got = f"data.quality.like and the corpus cannot be told apart: AUC {auc['value']:.2f} (95 %: {auc['low']:.2f} to {auc['high']:.2f})"
        raise BadInput(got, "a reference that differs from the corpus", "choose another reference, or remove data.quality")


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
