"""Metrics of classes: accuracy, F1 and Matthews' correlation, for one class or several classes for each example.

A reference is the name of a class, or a tuple of names. Macro F1 averages over the classes that occur in the references: it equals
scikit-learn's `f1_score` with `labels` set to these. In a resample, it averages over the classes that occur in the resample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.metrics.base import Answer, Metric, Prediction, mean, means, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.metrics.base import AnswerKind


def classes_of(answer: Answer) -> frozenset[str]:
    """The classes that an answer names."""
    return frozenset((answer,) if isinstance(answer, str) else answer if isinstance(answer, tuple | list) else ())


def _accuracy(references: Sequence[Answer], predictions: Sequence[Prediction]) -> NDArray[Any]:
    pairs = zip(references, predictions, strict=True)
    return means([100.0 * (classes_of(reference) == classes_of(prediction.answer)) for reference, prediction in pairs])


def _counts(references: Sequence[Answer], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 3] rows: classes predicted rightly, expected, predicted."""
    rows = [(classes_of(reference), classes_of(prediction.answer)) for reference, prediction in zip(references, predictions, strict=True)]
    return np.array([[len(wanted & found), len(wanted), len(found)] for wanted, found in rows], dtype=np.float64)


def _f1_of_counts(totals: NDArray[Any]) -> NDArray[Any]:
    """``2 right / (expected + predicted)``, 0 to 100."""
    return 100 * ratio(2 * totals[..., 0], totals[..., 1] + totals[..., 2])


def _counts_by_class(references: Sequence[Answer], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 3 · classes] rows: for each class of the references whether it was predicted rightly, expected, predicted."""
    wanted = [classes_of(reference) for reference in references]
    found = [classes_of(prediction.answer) for prediction in predictions]
    places = {name: place for place, name in enumerate(sorted(frozenset[str]().union(*wanted)))}
    expected, predicted = _one_hot(wanted, places), _one_hot(found, places)
    return np.concatenate([expected * predicted, expected, predicted], axis=1)


def _one_hot(rows: Sequence[frozenset[str]], places: dict[str, int]) -> NDArray[Any]:
    """[n, classes]: 1 where a row names a class; a class without a place is left out."""
    table = np.zeros((len(rows), len(places)))
    for row, names in enumerate(rows):
        table[row, [places[name] for name in names if name in places]] = 1
    return table


def _f1_macro(totals: NDArray[Any]) -> NDArray[Any]:
    right, expected, predicted = np.split(totals, 3, axis=-1)
    present = expected > 0
    each = ratio(2 * right, expected + predicted) * present
    return 100 * ratio(each.sum(axis=-1), present.sum(axis=-1))


def _matthews(references: Sequence[Answer], predictions: Sequence[Prediction]) -> NDArray[Any]:
    """[n, 2 + 2 · classes] rows: whether the class is right, 1, the expected class and the predicted class as one-hot vectors."""
    wanted = [classes_of(reference) for reference in references]
    found = [classes_of(prediction.answer) for prediction in predictions]
    places = {name: place for place, name in enumerate(sorted(frozenset[str]().union(*wanted, *found)))}
    right = np.array([[a == b, 1.0] for a, b in zip(wanted, found, strict=True)], dtype=np.float64)
    return np.concatenate([right, _one_hot(wanted, places), _one_hot(found, places)], axis=1)


def _matthews_of_totals(totals: NDArray[Any]) -> NDArray[Any]:
    """The multiclass coefficient of Gorodkin 2004, as scikit-learn computes it; 0 where it is undefined."""
    right, count = totals[..., 0], totals[..., 1]
    expected, predicted = np.split(totals[..., 2:], 2, axis=-1)
    covariance = right * count - (expected * predicted).sum(axis=-1)
    spread = (count**2 - (expected**2).sum(axis=-1)) * (count**2 - (predicted**2).sum(axis=-1))
    return ratio(covariance, np.sqrt(spread))


LABELS: frozenset[AnswerKind] = frozenset({"label", "labels"})

ACCURACY = Metric(
    name="accuracy",
    title="accuracy",
    meaning="Accuracy: the share of examples whose classes are all right, 0 to 100; higher is better.",
    statistics=_accuracy,
    value=mean,
    answers=LABELS,
    percent=True,
)
F1_MICRO = Metric(
    name="f1_micro",
    title="micro F1",
    meaning="Micro F1: the F-measure of all classes counted together, 0 to 100; higher is better. Frequent classes weigh more.",
    statistics=_counts,
    value=_f1_of_counts,
    answers=LABELS,
    percent=True,
)
F1_MACRO = Metric(
    name="f1_macro",
    title="macro F1",
    meaning="Macro F1: the mean of the F-measures of the classes, 0 to 100; higher is better. Every class weighs the same.",
    statistics=_counts_by_class,
    value=_f1_macro,
    answers=LABELS,
    percent=True,
    per_example=False,
)
MCC = Metric(
    name="mcc",
    title="MCC",
    meaning="MCC: Matthews' correlation of expected and predicted class, -1 to 1; higher is better, 0 is chance.",
    statistics=_matthews,
    value=_matthews_of_totals,
    answers=frozenset({"label"}),
    digits=3,
    per_example=False,
)
