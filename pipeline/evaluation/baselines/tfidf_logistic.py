"""TF-IDF with logistic regression: the classifier that a model must beat to be worth its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from pipeline.evaluation.baselines.base import Baseline, Known
from pipeline.evaluation.baselines.tfidf import tfidf_vectors
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

STRENGTH = 10.0
"""Inverse of the weight of the L2 penalty. TF-IDF rows have length 1; scikit-learn's default of 1 underfits them."""

STEPS = 300
"""Limit for the solver; it usually converges in fewer."""


def _predict(known: Known, asked: Sequence[Document]) -> list[Prediction]:
    """Predict a class, or several classes with a probability of at least a half, with probabilities."""
    several = not all(isinstance(answer, str) for answer in known.answers)
    names = sorted({name for answer in known.answers for name in (answer if isinstance(answer, tuple) else (str(answer),))})
    if len(names) < 2 and not several:
        return [Prediction(names[0], {names[0]: 1.0})] * len(asked)
    vectors, questions = tfidf_vectors(known.documents, asked)
    single = LogisticRegression(C=STRENGTH, max_iter=STEPS)
    if several:
        table = MultiLabelBinarizer(classes=names).fit_transform(known.answers)
        rows = OneVsRestClassifier(single).fit(vectors, table).predict_proba(questions)
    else:
        rows = single.fit(vectors, [str(answer) for answer in known.answers]).predict_proba(questions)
    return [_prediction(dict(zip(names, row, strict=True)), several=several) for row in np.asarray(rows).tolist()]


def _prediction(scores: dict[str, float], *, several: bool) -> Prediction:
    if several:
        return Prediction(tuple(name for name, score in scores.items() if score >= 0.5), scores)
    return Prediction(max(scores, key=lambda name: scores[name]), scores)


TFIDF_LOGISTIC = Baseline("TF-IDF vectors with logistic regression", _predict)
