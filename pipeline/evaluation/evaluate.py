"""One model, one corpus, one report.

Files of a report:

================ ==================================================================================================
report.json      all numbers: both splits, every system, intervals, what the model is, what training contains of the test examples
examples.parquet one row per example: id, split, group, name, source, pair, reference; of every system the answer in
                 ``<system>.output`` and in ``<system>.<metric>`` the statistics that the metric sums
report.html      the same for people: curves, tables, samples side by side; one file without outside resources
================ ==================================================================================================

They record no time, place or speed, so the same inputs give the same bytes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from pipeline.corpus.choose_examples import Examples, choose_examples
from pipeline.corpus.contamination import find_contamination
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.evaluation.describe_model import describe_model
from pipeline.evaluation.examples_table import write_examples
from pipeline.evaluation.html_report import render_page
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.evaluation.results import headline_metrics, score_split, summarize_split
from pipeline.evaluation.systems import MODEL, UNTRAINED, run_systems, untrained
from pipeline.models.files import load_model, read_history
from pipeline.reporter import CpuHeartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.contamination import Contamination
    from pipeline.evaluation.nearest import Nearest
    from pipeline.evaluation.results import SplitResult
    from pipeline.evaluation.scoring import Scoring
    from pipeline.evaluation.systems import PredictModel
    from pipeline.models.files import Loaded
    from pipeline.recipe.evaluation import Evaluation
    from pipeline.reporter import Reporter

SPLITS = ("test", "held_out")
"""The gate uses ``test``. ``held_out``, whole groups that training never saw, is harder, and is reported too."""


@dataclass(frozen=True)
class EvaluationJob:
    """One evaluation, apart from its params."""

    corpus: Path
    """Folder of a corpus."""
    model: Path
    """Folder of a fine-tuned model."""
    output: Path
    """Folder to fill."""
    device: str
    """Name of the torch device to compute on."""
    threads: int
    """CPU threads."""
    reporter: Reporter
    """Gets progress."""
    scoring: Scoring
    """How the task's answers are scored and shown."""
    predict: PredictModel
    """How a model of the task answers."""
    base: Path | None = None
    """Folder of the base model that it started from, to be shown beside it; None if it started from random weights."""


def evaluate_model(job: EvaluationJob, params: Evaluation) -> tuple[dict[str, int], dict[str, float]]:
    """Score a model on the test splits of a corpus and write the report.

    Args:
        job: corpus, model, task, output, and what to compute on.
        params: how many examples, how many resamples.

    Returns:
        Number of examples of each split; headline metrics such as ``test/rougeL`` (ROUGE: 0 to 100).

    Raises:
        BadInput: the corpus has no examples to train baselines on or to score, the model folder holds no model, or a score is not finite.
    """
    job = replace(job, scoring=job.scoring.with_metrics(params.metrics or ()))
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True)
    with CpuHeartbeat(job.reporter):
        known = _choose(job, "train", job.scoring.known, params.seed)
        chosen = {split: _choose(job, split, params.examples, params.seed) for split in SPLITS}
        _check_examples(known, chosen["test"])
        contamination = find_contamination(chosen["test"].documents, read_documents(job.corpus, "train"))
        loaded = load_model(job.model, job.device)
    results = _score(job, params, loaded, known, {split: examples for split, examples in chosen.items() if examples.documents})
    with CpuHeartbeat(job.reporter):
        nearest = job.scoring.nearest(loaded, known, results, PassProgress(job.reporter, 0, 0)) if job.scoring.nearest else []
        found = Found(loaded, results, nearest, contamination, len(known.documents))
        figures = _write_report(job, params, found)
    return {split: len(examples.documents) for split, examples in chosen.items()}, figures


def _choose(job: EvaluationJob, split: str, wanted: int, seed: int) -> Examples:
    return choose_examples(read_documents(job.corpus, split), job.scoring.reference, wanted, seed)


def _score(job: EvaluationJob, params: Evaluation, loaded: Loaded, known: Examples, chosen: Mapping[str, Examples]) -> list[SplitResult]:
    """Answers of every system, for all splits in one pass, then scored split by split."""
    everything = Examples(
        [document for examples in chosen.values() for document in examples.documents],
        [reference for examples in chosen.values() for reference in examples.references],
    )
    before = untrained(loaded, job.base)
    models = {MODEL: loaded, **({UNTRAINED: before} if before else {})}
    predictions = run_systems(models, known, everything, job.scoring, job.predict, params.batch, job.reporter)
    results, start = [], 0
    with CpuHeartbeat(job.reporter):
        for split, examples in chosen.items():
            part = slice(start, start + len(examples.documents))
            results.append(score_split(split, examples, {system: said[part] for system, said in predictions.items()}, job.scoring))
            start = part.stop
    return results


class Found(NamedTuple):
    """What a report shows."""

    loaded: Loaded
    results: Sequence[SplitResult]
    nearest: Sequence[Nearest]
    contamination: Contamination

    known: int
    """Training documents that baselines learned from."""


def _write_report(job: EvaluationJob, params: Evaluation, found: Found) -> dict[str, float]:
    """Write the files; returns the headline metrics."""
    scoring, nearest = job.scoring, found.nearest
    splits = {result.split: summarize_split(result, scoring, params) for result in found.results}
    asked = {"answers": scoring.answers, "metrics": list(scoring.metrics), "primary": scoring.primary, "beats": list(scoring.beats)}
    report = {
        "schema_version": 2,
        "params": params.model_dump(mode="json"),
        "model": describe_model(found.loaded),
        "scoring": asked,
        "baselines": {"known": found.known, "limit": scoring.known},
        "contamination": {**found.contamination.to_json(), "given_start": job.base is not None},
        "splits": splits,
        **({"nearest": [table.to_json() for table in nearest]} if nearest else {}),
    }
    figures = {
        name: value for split, summary in splits.items() for name, value in headline_metrics(split, summary, scoring.primary).items()
    }
    _check_finite(figures)
    (job.output / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_examples(found.results, scoring, job.output / "examples.parquet")
    page = render_page(report, found.results, scoring, read_history(job.model), params.shown, nearest)
    (job.output / "report.html").write_text(page, encoding="utf-8")
    return figures


def _check_examples(known: Examples, test: Examples) -> None:
    """Refuse a corpus without examples to score or to train baselines on."""
    for split, examples in (("train", known), ("test", test)):
        if not examples.documents:
            raise BadInput(
                f"the corpus has no (text, target) pair in its {split} split",
                "at least one",
                "check data.source.columns, or bring more data",
            )


def _check_finite(figures: Mapping[str, float]) -> None:
    """Refuse a model whose scores are NaN or infinite: no report of it may reach the gate."""
    for name, value in figures.items():
        if not math.isfinite(value):
            raise BadInput(f"the model's {name} is {value}", "", "train the model again; its weights are not usable")
