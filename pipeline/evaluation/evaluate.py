"""One model, one corpus, one report.

Files of a report:

================ ==================================================================================================
report.json      all numbers: both splits, every system, intervals, what the model is
examples.parquet one row per example: id, split, name, source, reference, and ``<system>.output``, ``<system>.<metric>``
report.html      the same for people: curves, tables, samples side by side; one file without outside resources
================ ==================================================================================================

They record no time, place or speed, so the same inputs give the same bytes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pipeline.corpus.read_corpus import read_pairs
from pipeline.errors import BadInput
from pipeline.evaluation.examples import choose_examples
from pipeline.evaluation.examples_table import write_examples
from pipeline.evaluation.html_report import render_page
from pipeline.evaluation.likelihood import likelihood
from pipeline.evaluation.pass_progress import PassProgress
from pipeline.evaluation.results import headline_metrics, score_split, summarize_split
from pipeline.evaluation.systems import MODEL, UNTRAINED, baseline_outputs, model_outputs, untrained
from pipeline.models.files import load_model, read_history
from pipeline.reporter import CpuHeartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.likelihood import Likelihood
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


def evaluate_model(job: EvaluationJob, params: Evaluation) -> tuple[dict[str, int], dict[str, float]]:
    """Score a model on the test splits of a corpus and write the report.

    Args:
        job: corpus, model, output, and what to compute on.
        params: how many examples, how many resamples.

    Returns:
        Number of examples of each split; headline metrics such as ``test/rougeL`` (ROUGE: 0 to 100).

    Raises:
        BadInput: the corpus has no pairs to train baselines on or to score, the model folder holds no model, or a score is not finite.
    """
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True)
    with CpuHeartbeat(job.reporter):
        train = [document for document in read_pairs(job.corpus, "train") if document.target]
        chosen = {split: choose_examples(read_pairs(job.corpus, split), params.examples, params.seed) for split in SPLITS}
        _check_pairs(train, chosen)
        loaded = load_model(job.model, job.device)
    examples = {split: documents for split, documents in chosen.items() if documents}
    outputs = _run_systems(loaded, train, examples, params, job.reporter)
    with CpuHeartbeat(job.reporter):
        figures = _write_report(job, params, loaded, outputs)
    return {split: len(documents) for split, documents in chosen.items()}, figures


SystemOutputs = tuple["Sequence[Document]", "Mapping[str, list[str]]", "Mapping[str, Likelihood]"]


def _write_report(job: EvaluationJob, params: Evaluation, loaded: Loaded, outputs: Mapping[str, SystemOutputs]) -> dict[str, float]:
    """Score the outputs and write the files; returns the headline metrics."""
    results = [score_split(split, *part) for split, part in outputs.items()]
    splits = {result.split: summarize_split(result, params) for result in results}
    report = {"schema_version": 1, "params": params.model_dump(mode="json"), "model": _describe(loaded), "splits": splits}
    figures = {name: value for split, summary in splits.items() for name, value in headline_metrics(split, summary).items()}
    _check_finite(figures)
    (job.output / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_examples(results, job.output / "examples.parquet")
    page = render_page(report, results, read_history(job.model), params.shown)
    (job.output / "report.html").write_text(page, encoding="utf-8")
    return figures


def _run_systems(
    loaded: Loaded, train: Sequence[Document], chosen: Mapping[str, Sequence[Document]], params: Evaluation, reporter: Reporter
) -> dict[str, SystemOutputs]:
    """Outputs of every system, and likelihoods of the references: all splits in one pass, then separated by split."""
    everything = [document for examples in chosen.values() for document in examples]
    count = len(everything)
    passes = iter([PassProgress(reporter, before * count, 4 * count) for before in range(4)])
    outputs: dict[str, list[str]] = {}
    likelihoods: dict[str, Likelihood] = {}
    for system, answering in ((MODEL, loaded), (UNTRAINED, untrained(loaded))):
        outputs[system] = model_outputs(answering, everything, params.batch, next(passes))
        likelihoods[system] = likelihood(answering, everything, params.batch, next(passes))
    with CpuHeartbeat(reporter):
        outputs |= baseline_outputs(train, everything)
    by_split: dict[str, SystemOutputs] = {}
    start = 0
    for split, examples in chosen.items():
        part = slice(start, start + len(examples))
        written = {system: texts[part] for system, texts in outputs.items()}
        by_split[split] = (examples, written, {system: scored.part(part) for system, scored in likelihoods.items()})
        start = part.stop
    return by_split


def _check_pairs(train: Sequence[Document], chosen: Mapping[str, Sequence[Document]]) -> None:
    """Refuse a corpus without pairs to score or to train baselines on."""
    for split, documents in (("train", train), ("test", chosen["test"])):
        if not documents:
            raise BadInput(
                f"the corpus has no (text, target) pair in its {split} split",
                "at least one",
                "name the target's column in the recipe, or bring more data",
            )


def _check_finite(figures: Mapping[str, float]) -> None:
    """Refuse a model whose scores are NaN or infinite: no report of it may reach the gate."""
    for name, value in figures.items():
        if not math.isfinite(value):
            raise BadInput(f"the model's {name} is {value}", "", "train the model again; its weights are not usable")


def _describe(loaded: Loaded) -> dict[str, Any]:
    """What the model is, for the report."""
    return {**loaded.info.to_json(), "parameters": sum(weight.numel() for weight in loaded.model.parameters())}
