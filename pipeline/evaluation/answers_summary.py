"""What the answers of a system look like, by kind: variety and length of texts, confused classes, errors of numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.evaluation.systems import MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.scoring import Scoring
    from pipeline.metrics.base import Prediction

CONFUSED = 20
"""Pairs of classes shown, the most frequent first."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DIGITS = 6


def summarize_answers(examples: Examples, predictions: Mapping[str, list[Prediction]], scoring: Scoring) -> dict[str, Any]:
    """The part of a split's entry in `report.json` that depends on the kind of answers.

    Returns:
        ``texts`` for written answers: of each system and of ``references`` the share of distinct and of empty ones, and the mean
        length. ``confusions`` for classes and tags: how often the model answered another one. ``residuals`` for numbers: the
        distribution of answer minus reference.
    """
    answers = {system: [prediction.answer for prediction in said] for system, said in predictions.items()}
    if scoring.written:
        texts = {**answers, "references": list(examples.references)}
        return {"texts": {system: _texts([str(text) for text in said]) for system, said in texts.items()}}
    if scoring.answers == "label":
        return {"confusions": _confusions([str(name) for name in examples.references], [str(name) for name in answers[MODEL]])}
    if scoring.answers == "tags":
        return {"confusions": _confusions(*_aligned(examples.references, answers[MODEL]))}
    if scoring.answers == "number":
        return {"residuals": _residuals(np.array(examples.references, dtype=float), np.array(answers[MODEL], dtype=float))}
    return {}


def _texts(texts: Sequence[str]) -> dict[str, float]:
    count = len(texts)
    return {
        "distinct": round(len(set(texts)) / count, DIGITS),
        "empty": round(sum(not text for text in texts) / count, DIGITS),
        "characters": round(sum(map(len, texts)) / count, DIGITS),
    }


def _aligned(references: Sequence[Any], answers: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The tags of all tokens that have both; an answer may be cut."""
    pairs = [pair for wanted, found in zip(references, answers, strict=True) for pair in zip(wanted, found, strict=False)]
    return [wanted for wanted, _ in pairs], [found for _, found in pairs]


def _confusions(references: Sequence[str], answers: Sequence[str]) -> list[dict[str, Any]]:
    """The most frequent pairs of expected and other answer, with the share of the expected class."""
    classes = Counter(references)
    pairs = Counter((wanted, found) for wanted, found in zip(references, answers, strict=True) if wanted != found)
    chosen = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:CONFUSED]
    return [{"expected": wanted, "answered": found, "count": pairs[wanted, found], "of": classes[wanted]} for wanted, found in chosen]


def _residuals(references: Any, answers: Any) -> dict[str, Any]:  # noqa: ANN401 - arrays
    residuals = answers - references
    return {
        "mean": round(float(residuals.mean()), DIGITS),
        "quantiles": {f"{share:g}": round(float(np.quantile(residuals, share)), DIGITS) for share in QUANTILES},
        "largest": round(float(np.abs(residuals).max()), DIGITS),
    }
