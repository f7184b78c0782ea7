"""How classes and numbers are scored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer
    from pipeline.tasks.classification.section import Classification


def make_scoring(task: Classification) -> Scoring:
    """The metrics of one class, of several classes, or of a number."""
    if task.answer == "number":
        return Scoring(
            answers="number",
            metrics=("rmse", "pearson", "spearman"),
            primary="rmse",
            baselines=("mean_number", "nearest_neighbour"),
            beats=("mean_number",),
            reference=lambda document: None if document.target is None else float(document.target),
            show=lambda answer: f"{answer:.6g}",
        )
    if task.answer == "labels":
        return Scoring(
            answers="labels",
            metrics=("f1_micro", "f1_macro", "exact_match"),
            primary="f1_micro",
            baselines=("majority", "nearest_neighbour", "tfidf_logistic"),
            beats=("majority",),
            reference=_several,
            show=lambda answer: ", ".join(answer) if isinstance(answer, tuple) else "",
        )
    return Scoring(
        answers="label",
        metrics=("accuracy", "f1_macro", "mcc", "calibration_error"),
        primary="accuracy",
        baselines=("majority", "nearest_neighbour", "tfidf_logistic"),
        beats=("majority",),
        reference=lambda document: document.target,
    )


def _several(document: Document) -> Answer:
    """The classes of a document."""
    return None if document.target is None else tuple(json.loads(document.target))
