"""Several processes train one model: on the same batches as one alone, exactly resumed, with rank 0 alone reporting and saving."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import torch
from fixtures.local_ranks import CheckpointFolder, LocalRanks, RecordingReporter, check_weights, run_ranks, start, write_then_read
from safetensors.torch import load_file

from pipeline.models.batch import Batch
from pipeline.training.process_group import SINGLE_PROCESS, ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)  # ranks that hang are ended after 180 s

CASES = ["span_corruption", "causal_lm", "finetune-t5", "finetune-gpt2"]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def curve(folder: Path) -> list[list[float]]:
    return [list(row.values()) for row in json.loads((folder / "history.json").read_text())]


@pytest.fixture
def local_ranks(tokens: Path, tmp_path: Path) -> Callable[..., LocalRanks]:
    def make(label: str, case: str, **changes: Any) -> LocalRanks:
        folder = tmp_path / label
        folder.mkdir()
        return LocalRanks(case, tokens, folder, changes)

    return make


@pytest.mark.parametrize(
    ("case", "size"),
    [("span_corruption", 2), ("causal_lm", 3), *(pytest.param(case, 2, marks=pytest.mark.prove) for case in CASES)],
)
def test_they_learn_what_one_does(case: str, size: int, local_ranks, tokens: Path, tmp_path: Path) -> None:
    """With three ranks and batches of five shares differ in size, and the last batch of an epoch leaves ranks without a row."""
    exact = {"dropout": 0.0, "optimizer": "adamw", "steps": 30}
    start(case, tokens, tmp_path / "alone", None, RecordingReporter(), CheckpointFolder(tmp_path / "shelf"), **exact)
    many = local_ranks("many", case, **exact)
    assert many.train(size) == [0] * size
    assert curve(many.output) == [pytest.approx(row, rel=1e-4) for row in curve(tmp_path / "alone")]
    one, other = load_file(tmp_path / "alone" / "model.safetensors"), load_file(many.output / "model.safetensors")
    # not number by number: a bias that the loss does not depend on has noise for a gradient, and Adam makes whole steps of it
    apart = sum(float((other[name] - weight).square().sum()) for name, weight in one.items())
    assert apart < 1e-6 * sum(float(weight.square().sum()) for weight in one.values())


@pytest.mark.parametrize("case", ["causal_lm", *(pytest.param(case, marks=pytest.mark.prove) for case in CASES if case != "causal_lm")])
def test_stopped_or_killed_they_end_with_the_same_bytes(case: str, local_ranks) -> None:
    exact = {"dropout": 0.1, "precision": "bf16" if case == "finetune-gpt2" else "fp32"}
    undisturbed, disturbed = local_ranks("undisturbed", case, **exact), local_ranks("disturbed", case, **exact)
    assert undisturbed.train(2) == [0, 0]
    # a stop request to one rank stops all of them, after the same step
    assert disturbed.train(2, {1: RecordingReporter(stop_after=2)}) == [75, 75]
    assert disturbed.checkpoints.steps == [2]
    # when one rank dies, the other ends with the exit code for a retry
    assert disturbed.train(2, {1: RecordingReporter(die_after=3)}) == [75, -9]
    assert disturbed.checkpoints.steps == [2, 3]
    assert disturbed.train(2, {0: RecordingReporter(die_after=1)}) == [-9, 75]
    assert disturbed.train(2) == [0, 0]
    assert digests(disturbed.output) == digests(undisturbed.output)


def test_another_number_of_processes_resumes_with_the_same_batches_and_logs_it(local_ranks) -> None:
    whole, changed = (local_ranks(label, "causal_lm", dropout=0.0, optimizer="adamw") for label in ("whole", "changed"))
    assert whole.train(2) == [0, 0]
    assert changed.train(2, {0: RecordingReporter(stop_after=3)}) == [75, 75]
    assert changed.train(3, {0: RecordingReporter(stop_after=2)}) == [75, 75, 75]
    assert changed.train(1) == [0]
    assert curve(changed.output) == [pytest.approx(row, rel=1e-4) for row in curve(whole.output)]
    assert whole.reported()[0]["processes"] == "2"
    assert changed.reported()[0]["processes"] == "2, 3 from step 3, 1 from step 5"


def test_only_rank_0_writes_and_every_metric_is_reported_once(local_ranks) -> None:
    both = local_ranks("both", "finetune-t5", dropout=0.1)
    assert both.train(2) == [0, 0]
    seen = [(step, name) for step, values in both.reported()[1] for name in values]
    assert max(Counter(seen).values()) == 1
    assert [step for step, name in seen if name == "validation/loss"] == [2, 4, 6, 7]
    assert both.checkpoints.steps == [3, 6, 7]
    assert both.reported(1)[0] == both.reported(0)[0]


def test_barrier_waits_for_all_ranks(tmp_path: Path) -> None:
    assert run_ranks(3, write_then_read, tmp_path) == [0, 0, 0]


def test_weights_that_drifted_apart_are_not_saved() -> None:
    assert run_ranks(2, check_weights) == [2, 2]


def test_the_shards_of_all_ranks_make_up_the_batch() -> None:
    batch = Batch({"input_ids": torch.arange(10).view(5, 2)}, torch.arange(15).view(5, 3))
    parts = [ProcessGroup(number, 3).shard_batch(batch) for number in range(3)]
    assert [len(part.inputs["input_ids"]) for part in parts] == [2, 2, 1]
    assert sorted(row.tolist() for part in parts for row in part.labels) == batch.labels.tolist()
    assert SINGLE_PROCESS.shard_batch(batch) is batch
