"""The curve keeps as many labels as it says, and compares a system with TF-IDF document by document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.quality.few_labels import BASELINES, SEEDS, curve, keep_labels
from benchmarks.quality.same_tokens import SYSTEM
from pyarrow import parquet, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def test_labels_are_taken_away_and_texts_stay(tmp_path: Path) -> None:
    corpus, output = tmp_path / "corpus", tmp_path / "output"
    corpus.mkdir()
    output.mkdir()
    for name in ("train-00000", "train-00001", "validation-00000", "test-00000"):
        parquet.write_table(table({"text": [f"{name} {row}" for row in range(30)], "target": ["a"] * 30}), corpus / f"{name}.parquet")
    keep_labels(corpus, output, 40, seed=0)
    found = {file.stem: parquet.read_table(file).to_pydict() for file in output.iterdir()}
    assert all(found[name]["text"] == [f"{name} {row}" for row in range(30)] for name in found)
    kept = {name: sum(target is not None for target in columns["target"]) for name, columns in found.items()}
    assert kept["train-00000"] + kept["train-00001"] == 40
    assert (kept["validation-00000"], kept["test-00000"]) == (10, 30)


def test_a_point_says_how_far_a_system_is_ahead(tmp_path: Path) -> None:
    """Of four documents the system knows three, TF-IDF another two, and TF-IDF on the same tokens one of the three."""
    cells = {}
    for seed in SEEDS:
        cell = cells["MiniLM", 1_000, seed] = tmp_path / str(seed)
        write(cell / "report", {"model": [1, 1, 1, 0], **{key: [0, 0, 1, 1] for key in BASELINES.values()}}, backwards=seed == 1)
        write(cell / "same_tokens", {SYSTEM: [1, 0, 0, 0]}, backwards=False)
    cells["BERT from scratch", 1_000, 0] = tmp_path / "0"
    model, *baselines = curve(cells)
    assert (model.system, model.labels) == ("MiniLM", 1_000)
    assert [baseline.score[0] for baseline in baselines] == [50.0, 50.0]
    assert model.ahead is not None
    assert model.same_tokens is not None
    assert model.ahead_same_tokens is not None
    assert (model.score[0], model.ahead[0], model.same_tokens[0], model.ahead_same_tokens[0]) == pytest.approx((75.0, 25.0, 25.0, 50.0))
    # drawn document by document: the system knows each one that TF-IDF on the same tokens knows
    assert model.ahead[1] < 0 <= model.ahead_same_tokens[1]


def write(folder: Path, known: Mapping[str, list[int]], *, backwards: bool) -> None:
    """The examples of a report; the order of the rows says nothing."""
    folder.mkdir(parents=True)
    columns = {f"{system}.accuracy": [[100.0 * one, 1.0] for one in right] for system, right in known.items()}
    rows = table({"id": list("abcd"), "split": ["test"] * 4, **columns})
    parquet.write_table(rows.take([3, 2, 1, 0]) if backwards else rows, folder / "examples.parquet")
