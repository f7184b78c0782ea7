"""Trains the classifier: logistic regression on hashed words, the reference against a sample of the corpus.

scikit-learn's stochastic gradient descent goes through the texts in a seeded order, one after the other, so the weights do not depend on the number
of threads. A fifth of the texts is held out, small groups as a whole, and shows how well the classifier separates.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.corpus.quality import FACTS, WEIGHTS
from pipeline.corpus.quality.features import SIZE
from pipeline.corpus.quality.judge import ONE, score
from pipeline.corpus.quality.sample import LEAST, Sample, read_sample
from pipeline.corpus.quality.scores import area, balanced_accuracy, share
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.recipe.quality import QualityLimit

HELD_OUT = 5
"""One text, or group, of so many is held out."""

LARGE_GROUP = 0.05
"""Share of the texts above which a group is divided: otherwise whole kinds of text would be known to nobody."""

SHARE, FEW = 4, 500
"""Of a small corpus one text of so many is learned from, but this number at least: what was learned as the corpus seems less like the reference."""

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
    plain = _without(_few(read_sample(corpus)), good)
    splits = [_held_out(sample) for sample in (good, plain)]
    learned = [
        [text for text, out in zip(sample.features, held, strict=True) if not out]
        for sample, held in zip((good, plain), splits, strict=True)
    ]
    weights, bias = _fit(*learned)
    scores = [
        np.array([score(text, weights, bias) for text, out in zip(sample.features, held, strict=True) if out])
        for sample, held in zip((good, plain), splits, strict=True)
    ]
    facts = _facts(scores[0], scores[1], limit) | {"bias": bias, "learned": [len(texts) for texts in learned]}
    _check_apart(facts)
    np.save(output / WEIGHTS, weights.astype(np.int32))
    (output / FACTS).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    names = ("auc", "accuracy", "kept_reference", "kept_corpus")
    return {f"quality/{name}": facts[name]["value"] for name in names} | {"quality/limit": facts["limit"]}


def _without(sample: Sample, other: Sample) -> Sample:
    """The texts of a sample that are not in another one: a reference is often a part of the corpus."""
    kept = np.flatnonzero(~np.isin(sample.texts, other.texts))
    if len(kept) < LEAST:
        got = f"all but {len(kept)} of {len(sample.texts)} sampled texts of the corpus are in data.quality.like"
        raise BadInput(got, "a corpus that is not the reference", "correct data.quality.like")
    return _choose(sample, kept)


def _few(sample: Sample) -> Sample:
    """A sample of a small corpus is cut; texts are in the order of their digests."""
    return _choose(sample, np.arange(min(len(sample.texts), max(FEW, sample.seen // SHARE))))


def _choose(sample: Sample, places: NDArray[np.intp]) -> Sample:
    return Sample([sample.features[place] for place in places], sample.texts[places], sample.units[places], sample.seen)


def _held_out(sample: Sample) -> NDArray[np.bool_]:
    """[texts] which are held out: with their group, or by themselves where their group is large."""
    _, places, sizes = np.unique(sample.units, return_inverse=True, return_counts=True)
    by = np.where(sizes[places] <= LARGE_GROUP * len(places), sample.units, sample.texts)
    found: NDArray[np.bool_] = by % np.uint64(HELD_OUT) == 0
    return found


def _fit(good: list[NDArray[np.int32]], plain: list[NDArray[np.int32]]) -> tuple[NDArray[np.int64], int]:
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


def _facts(good: NDArray[np.float64], plain: NDArray[np.float64], limit: QualityLimit) -> dict[str, Any]:
    """What the texts that were held out show."""
    cut = float(np.quantile(plain, 1 - limit.keep)) if limit.keep is not None else _log_odds(limit.min_score or 0.5)
    return {
        "limit": cut,
        "held_out": [len(good), len(plain)],
        "auc": area(good, plain),
        "accuracy": balanced_accuracy(good >= 0, plain < 0),
        "kept_reference": share(int((good >= cut).sum()), len(good)),
        "kept_corpus": share(int((plain >= cut).sum()), len(plain)),
    }


def _check_apart(facts: dict[str, Any]) -> None:
    """Refuse a classifier that guesses."""
    auc = facts["auc"]
    if auc["low"] <= 0.5:
        got = f"data.quality.like and the corpus cannot be told apart: AUC {auc['value']:.2f} (95 %: {auc['low']:.2f} to {auc['high']:.2f})"
        raise BadInput(got, "a reference that differs from the corpus", "choose another reference, or remove data.quality")


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
