"""The numbers of one split: the output of every system, the score of each example, and means with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.examples import examples_digest
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.systems import MODEL, UNTRAINED
from pipeline.lookup import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.bootstrap import Interval
    from pipeline.evaluation.likelihood import Likelihood
    from pipeline.evaluation.metrics.base import Metric
    from pipeline.recipe.evaluation import Evaluation

DIGITS = 6
"""Decimals kept: sums in another order (more threads, another BLAS) differ from the 12th on."""


@dataclass(frozen=True)
class SplitResult:
    """One scored split."""

    split: str
    examples: Sequence[Document]
    outputs: Mapping[str, list[str]]
    """System → what it wrote, one text for each example."""

    scores: Mapping[str, Mapping[str, list[float]]]
    """System → metric → one value for each example."""

    likelihoods: Mapping[str, Likelihood]
    """For the model and the untrained model."""


def score_split(
    split: str, examples: Sequence[Document], outputs: Mapping[str, list[str]], likelihoods: Mapping[str, Likelihood]
) -> SplitResult:
    """Score the outputs of every system against the references."""
    references = [document.target or "" for document in examples]
    metrics: dict[str, Metric] = {name: load("metric", METRICS, name) for name in METRICS}
    scores = {
        system: {name: [round(value, DIGITS) for value in metric(references, written)] for name, metric in metrics.items()}
        for system, written in outputs.items()
    }
    return SplitResult(split, examples, outputs, scores, likelihoods)


def summarize_split(result: SplitResult, params: Evaluation) -> dict[str, Any]:
    """The entry of a split in `report.json`, as plain JSON values."""
    count = len(result.examples)
    bootstrap = Bootstrap(count, params.resamples, params.seed)
    return {
        "examples": count,
        "examples_digest": examples_digest(result.examples),
        "distinct": _distinct(result.outputs[MODEL]),
        "distinct_references": _distinct([document.target or "" for document in result.examples]),
        "empty": _rounded(sum(not text for text in result.outputs[MODEL]) / count),
        "likelihood": {system: _likelihood(found, bootstrap) for system, found in result.likelihoods.items()},
        "systems": {system: _system(result, system, bootstrap) for system in result.outputs},
    }


def headline_metrics(split: str, summary: Mapping[str, Any]) -> dict[str, float]:
    """The main figures of a split, for the manifest and MLflow."""
    systems, model = summary["systems"], summary["likelihood"][MODEL]
    figures = {f"{split}/{metric}": systems[MODEL][metric]["mean"] for metric in METRICS}
    figures |= {f"{split}/{name}": model[name] for name in ("loss", "perplexity")}
    figures[f"{split}/bits_per_byte"] = model["bits_per_byte"]["mean"]
    figures[f"{split}/bits_per_byte_untrained"] = summary["likelihood"][UNTRAINED]["bits_per_byte"]["mean"]
    figures[f"{split}/distinct"] = summary["distinct"]
    for system, scored in systems.items():
        if system != MODEL:
            figures[f"{split}/rougeL_{system}"] = scored["rougeL"]["mean"]
    return figures


def _system(result: SplitResult, system: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """Means of one system with their intervals, and the model's lead over it."""
    summary: dict[str, Any] = {"distinct": _distinct(result.outputs[system])}
    for metric in METRICS:
        theirs = np.array(result.scores[system][metric])
        summary[metric] = _with_interval(float(theirs.mean()), bootstrap.mean(theirs))
        if system != MODEL:
            ahead = np.array(result.scores[MODEL][metric]) - theirs
            summary[metric]["model_ahead"] = _with_interval(float(ahead.mean()), bootstrap.mean(ahead))
    return summary


def _likelihood(found: Likelihood, bootstrap: Bootstrap) -> dict[str, Any]:
    """Loss in nats per token, perplexity per token, bits per byte."""
    loss = float(found.nats.sum() / found.tokens.sum())
    bits = found.nats / np.log(2)
    return {
        "loss": _rounded(loss),
        "perplexity": _rounded(float(np.exp(loss))),
        "bits_per_byte": _with_interval(float(bits.sum() / found.bytes.sum()), bootstrap.ratio(bits, found.bytes)),
        "tokens": int(found.tokens.sum()),
        "bytes": int(found.bytes.sum()),
    }


def _with_interval(mean: float, interval: Interval) -> dict[str, Any]:
    return {"mean": _rounded(mean), "low": _rounded(interval.low), "high": _rounded(interval.high)}


def _distinct(texts: Sequence[str]) -> float:
    """Share of distinct texts."""
    return _rounded(len(set(texts)) / len(texts))


def _rounded(value: float) -> float:
    return round(value, DIGITS)
