"""Several processes train one model: on the same batches as one alone, exactly resumed, with one of them speaking for all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import torch
from fixtures.crew import Crew, Ear, Shelf, drift_apart, notes, start, together
from safetensors.torch import load_file

from pipeline.models.base import Pairs
from pipeline.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES = ["span_corruption", "causal_lm", "finetune-t5", "finetune-gpt2"]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def curve(folder: Path) -> list[list[float]]:
    return [list(row.values()) for row in json.loads((folder / "history.json").read_text())]


@pytest.fixture
def crew(tokens: Path, tmp_path: Path) -> Callable[..., Crew]:
    def make(label: str, case: str, **changes: Any) -> Crew:
        folder = tmp_path / label
        folder.mkdir()
        return Crew(case, tokens, folder, changes)

    return make


@pytest.mark.parametrize(
    ("case", "size"),
    [("span_corruption", 2), ("causal_lm", 3), *(pytest.param(case, 2, marks=pytest.mark.prove) for case in CASES)],
)
def test_they_learn_what_one_does(case: str, size: int, crew, tokens: Path, tmp_path: Path) -> None:
    """With three ranks and batches of five shares differ in size, and the last batch of an epoch leaves ranks without a row."""
    exact = {"dropout": 0.0, "optimizer": "adamw", "steps": 30}
    start(case, tokens, tmp_path / "alone", None, Ear(), Shelf(tmp_path / "shelf"), **exact)
    many = crew("many", case, **exact)
    assert many.train(size) == [0] * size
    assert curve(many.output) == [pytest.approx(row, rel=1e-4) for row in curve(tmp_path / "alone")]
    one, other = load_file(tmp_path / "alone" / "model.safetensors"), load_file(many.output / "model.safetensors")
    # not number by number: a bias that the loss does not depend on has noise for a gradient, and Adam makes whole steps of it
    apart = sum(float((other[name] - weight).square().sum()) for name, weight in one.items())
    assert apart < 1e-6 * sum(float(weight.square().sum()) for weight in one.values())


@pytest.mark.parametrize("case", ["causal_lm", *(pytest.param(case, marks=pytest.mark.prove) for case in CASES if case != "causal_lm")])
def test_stopped_or_killed_they_end_with_the_same_bytes(case: str, crew) -> None:
    exact = {"dropout": 0.1, "precision": "bf16" if case == "finetune-gpt2" else "fp32"}
    undisturbed, disturbed = crew("undisturbed", case, **exact), crew("disturbed", case, **exact)
    assert undisturbed.train(2) == [0, 0]
    # one that is told to stop has all of them stop, after the same step
    assert disturbed.train(2, {1: Ear(stop_after=2)}) == [75, 75]
    assert disturbed.shelf.steps == [2]
    # one that dies ends the other, which says that it may be tried again
    assert disturbed.train(2, {1: Ear(die_after=3)}) == [75, -9]
    assert disturbed.shelf.steps == [2, 3]
    assert disturbed.train(2, {0: Ear(die_after=1)}) == [-9, 75]
    assert disturbed.train(2) == [0, 0]
    assert digests(disturbed.output) == digests(undisturbed.output)


def test_another_number_of_processes_goes_on_with_the_same_batches_and_says_so(crew) -> None:
    whole, changed = (crew(label, "causal_lm", dropout=0.0, optimizer="adamw") for label in ("whole", "changed"))
    assert whole.train(2) == [0, 0]
    assert changed.train(2, {0: Ear(stop_after=3)}) == [75, 75]
    assert changed.train(3, {0: Ear(stop_after=2)}) == [75, 75, 75]
    assert changed.train(1) == [0]
    assert curve(changed.output) == [pytest.approx(row, rel=1e-4) for row in curve(whole.output)]
    assert whole.told()[0]["processes"] == "2"
    assert changed.told()[0]["processes"] == "2, 3 from step 3, 1 from step 5"


def test_only_the_first_writes_and_every_value_is_told_once(crew) -> None:
    both = crew("both", "finetune-t5", dropout=0.1)
    assert both.train(2) == [0, 0]
    seen = [(step, name) for step, values in both.told()[1] for name in values]
    assert max(Counter(seen).values()) == 1
    assert [step for step, name in seen if name == "validation/loss"] == [2, 4, 6, 7]
    assert both.shelf.steps == [3, 6, 7]
    assert both.told(1)[0] == both.told(0)[0]


def test_they_wait_for_each_other(tmp_path: Path) -> None:
    assert together(3, notes, tmp_path) == [0, 0, 0]


def test_weights_that_drifted_apart_are_not_saved() -> None:
    assert together(2, drift_apart) == [2, 2]


def test_the_rows_of_all_ranks_are_the_batch() -> None:
    batch = Pairs(torch.arange(10).view(5, 2), torch.arange(15).view(5, 3))
    parts = [Ranks(number, 3).rows(batch) for number in range(3)]
    assert [len(part.source_BS) for part in parts] == [2, 2, 1]
    assert sorted(row.tolist() for part in parts for row in part.target_BT) == batch.target_BT.tolist()
    assert ALONE.rows(batch) is batch
