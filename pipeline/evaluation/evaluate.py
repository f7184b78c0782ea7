"""One model, one corpus, one report.

Files of a report:

================ ==================================================================================================
report.json      all numbers: both splits, every system, intervals, what the model is
examples.parquet one row per example: id, split, name, source, reference, and ``<system>.output``, ``<system>.<metric>``
report.html      the same for people: curves, tables, samples side by side; one file without outside resources
================ ==================================================================================================

None of them tells when, where or how fast it was made, so the same inputs give the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pipeline.corpus.reading import pairs
from pipeline.errors import BadInput
from pipeline.evaluation.examples import choose_examples
from pipeline.evaluation.likelihood import likelihood
from pipeline.evaluation.page import render_page
from pipeline.evaluation.results import headline, score, summarize
from pipeline.evaluation.systems import MODEL, UNTRAINED, baseline_outputs, model_outputs, untrained
from pipeline.evaluation.tables import write_examples
from pipeline.models.files import load_model, read_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.likelihood import Likelihood
    from pipeline.models.files import Loaded
    from pipeline.recipe.evaluation import Evaluation
    from pipeline.reporter import Reporter

SPLITS = ("test", "held_out")
"""``test`` decides; ``held_out`` (whole groups never seen in training) is the harder question, shown beside it."""


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
        Number of examples of each split; headline figures such as ``test/rougeL`` (ROUGE: 0 to 100).

    Raises:
        BadInput: the corpus has no pairs to train baselines on or to score, or the model folder holds no model.
    """
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True)
    train = [document for document in pairs(job.corpus, "train") if document.target]
    chosen = {split: choose_examples(pairs(job.corpus, split), params.examples, params.seed) for split in SPLITS}
    _check(train, chosen)
    loaded = load_model(job.model, job.device)
    examples = {split: documents for split, documents in chosen.items() if documents}
    results = [score(split, *part) for split, part in _answers(loaded, train, examples, params, job.reporter).items()]
    splits = {result.split: summarize(result, params) for result in results}
    report = {"schema_version": 1, "params": params.model_dump(mode="json"), "model": _about(loaded), "splits": splits}
    (job.output / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_examples(results, job.output / "examples.parquet")
    page = render_page(report, results, read_history(job.model), params.shown)
    (job.output / "report.html").write_text(page, encoding="utf-8")
    figures = {name: value for split, summary in splits.items() for name, value in headline(split, summary).items()}
    return {split: len(documents) for split, documents in chosen.items()}, figures


Answers = tuple["Sequence[Document]", "Mapping[str, list[str]]", "Mapping[str, Likelihood]"]


def _answers(
    loaded: Loaded, train: Sequence[Document], chosen: Mapping[str, Sequence[Document]], params: Evaluation, reporter: Reporter
) -> dict[str, Answers]:
    """What every system wrote, and how probable the references are: all splits in one go, then told apart again."""
    everything = [document for examples in chosen.values() for document in examples]
    tell = _ProgressReporter(reporter, 4 * len(everything))
    outputs: dict[str, list[str]] = {}
    likelihoods: dict[str, Likelihood] = {}
    for system, contestant in ((MODEL, loaded), (UNTRAINED, untrained(loaded))):
        outputs[system] = model_outputs(contestant, everything, params.batch, tell.of(len(everything)))
        likelihoods[system] = likelihood(contestant, everything, params.batch, tell.of(len(everything)))
    outputs |= baseline_outputs(train, everything)
    found: dict[str, Answers] = {}
    start = 0
    for split, examples in chosen.items():
        part = slice(start, start + len(examples))
        written = {system: texts[part] for system, texts in outputs.items()}
        found[split] = (examples, written, {system: scored.part(part) for system, scored in likelihoods.items()})
        start = part.stop
    return found


class _ProgressReporter:
    """Adds up the progress of several passes over the examples."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self.reporter, self.total, self.before = reporter, total, 0

    def of(self, count: int) -> Callable[[int], None]:
        """A callback for the next pass, over ``count`` examples."""
        before, self.before = self.before, self.before + count
        return lambda done: self.reporter.progress(before + done, self.total, "examples")


def _check(train: Sequence[Document], chosen: Mapping[str, Sequence[Document]]) -> None:
    """Refuse a corpus that nothing can be said about."""
    for split, documents in (("train", train), ("test", chosen["test"])):
        if not documents:
            raise BadInput(
                f"the corpus has no (text, target) pair in its {split} split",
                "at least one",
                "name the target's column in the recipe, or bring more data",
            )


def _about(loaded: Loaded) -> dict[str, Any]:
    """What the model is."""
    return {**loaded.info.to_json(), "parameters": sum(weight.numel() for weight in loaded.model.parameters())}
