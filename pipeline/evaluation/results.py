"""The numbers of one split: statistics of every system, and scores with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.evaluation.answers_summary import summarize_answers
from pipeline.evaluation.examples import examples_digest
from pipeline.evaluation.systems import MODEL
from pipeline.metrics.bootstrap import Bootstrap, interval
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.scoring import Scoring
    from pipeline.metrics.base import Metric, Prediction
    from pipeline.recipe.evaluation import Evaluation

DIGITS = 6
"""Decimals of scores."""

SIGNIFICANT = 9
"""Digits of statistics, counted from the largest of a column: sums in another order (more threads, another BLAS) differ from the
12th on."""


@dataclass(frozen=True)
class SplitResult:
    """One scored split."""

    split: str
    examples: Examples
    predictions: Mapping[str, list[Prediction]]
    """System → one prediction for each example."""

    statistics: Mapping[str, Mapping[str, NDArray[Any]]]
    """System → metric → [examples, k]; a system has no entry for a metric that does not apply to it."""


def score_split(split: str, examples: Examples, predictions: Mapping[str, list[Prediction]], scoring: Scoring) -> SplitResult:
    """Compare the answers of every system with the references."""
    metrics = [load_metric(name) for name in scoring.metrics]
    statistics = {
        system: {metric.name: _rounded(metric.statistics(examples.references, said)) for metric in metrics if metric.applies_to(said)}
        for system, said in predictions.items()
    }
    return SplitResult(split, examples, predictions, statistics)


def summarize_split(result: SplitResult, scoring: Scoring, params: Evaluation) -> dict[str, Any]:
    """The entry of a split in `report.json`, as plain JSON values."""
    bootstrap = Bootstrap([document.group for document in result.examples.documents], params.resamples, params.seed)
    return {
        "examples": len(result.examples.documents),
        "groups": bootstrap.groups,
        "examples_digest": examples_digest(result.examples),
        "systems": _systems(result, bootstrap),
        **summarize_answers(result.examples, result.predictions, scoring),
    }


def headline_metrics(split: str, summary: Mapping[str, Any], primary: str) -> dict[str, float]:
    """The main figures of a split, for the manifest and MLflow: all scores of the model, the primary one of the others."""
    systems = summary["systems"]
    figures = {f"{split}/{metric}": said["value"] for metric, said in systems[MODEL].items()}
    figures |= {f"{split}/{primary}_{name}": said[primary]["value"] for name, said in systems.items() if name != MODEL and primary in said}
    if "texts" in summary:
        figures[f"{split}/distinct"] = summary["texts"][MODEL]["distinct"]
    return figures


def _systems(result: SplitResult, bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """System → metric → value with interval, and how far the model is ahead."""
    scored = [(system, load_metric(name), rows) for system, by_name in result.statistics.items() for name, rows in by_name.items()]
    drawn = bootstrap.values([(rows, metric.value) for _, metric, rows in scored])
    values = {
        (system, metric.name): (float(metric.value(rows.sum(axis=0))), resampled)
        for (system, metric, rows), resampled in zip(scored, drawn, strict=True)
    }
    summary: dict[str, dict[str, Any]] = {system: {} for system in result.statistics}
    for (system, name), (value, resampled) in values.items():
        summary[system][name] = _with_interval(value, resampled)
        if system != MODEL and (MODEL, name) in values:
            summary[system][name]["model_ahead"] = _ahead(load_metric(name), values[MODEL, name], values[system, name])
    return summary


def _ahead(metric: Metric, own: tuple[float, NDArray[Any]], other: tuple[float, NDArray[Any]]) -> dict[str, float]:
    """How far ``own`` is ahead in the direction in which the metric is better, paired resample by resample."""
    return _with_interval(metric.sign * (own[0] - other[0]), metric.sign * (own[1] - other[1]))


def _rounded(rows: NDArray[Any]) -> NDArray[Any]:
    """Statistics that are the same for sums in another order."""
    largest = np.abs(rows).max(axis=0)
    scale = 10.0 ** (SIGNIFICANT - 1 - np.floor(np.log10(np.where(largest > 0, largest, 1))))
    return np.asarray(np.round(rows * scale) / scale)


def _with_interval(value: float, resampled: NDArray[Any]) -> dict[str, float]:
    low, high = interval(resampled)
    return {"value": round(value, DIGITS), "low": round(low, DIGITS), "high": round(high, DIGITS)}
