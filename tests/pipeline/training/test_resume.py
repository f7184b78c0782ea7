"""A run that was killed or stopped, wherever, ends with the bytes of one that was left alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from fixtures.families import finetune, tiny_section

from pipeline.errors import Damaged, Preempted
from pipeline.recipe import Finetuning, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.tagging.section import Tagging
from pipeline.tasks.translation.section import Translation
from pipeline.training import OBJECTIVES
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS, EVERY = 7, 3
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
COMMON = {"steps": STEPS, "batch": 4, "evaluate_every": 2, "checkpoint_every": EVERY, "dropout": 0.1, "seed": 5, "precision": "fp32"}
FAMILIES = {
    "span_corruption": "t5_copy",
    "prefix_lm": "bart",
    "causal_lm": "gpt2",
    "masked_lm": "bert",
    "skip_gram": "word_vectors",
    "finetune-t5": "t5_copy",
    "finetune-gpt2": "gpt2",
    "finetune-adamw": "t5",
    "finetune-bf16": "t5_copy",
    "lora-llama": "llama",
    "last-layer": "gpt2",
    "translation": "marian",
    "tagging": "bert",
    "embedding": "bert",
    "embedding-words": "word_vectors",
}
"""Case → family."""

CHANGES: dict[str, dict[str, Any]] = {
    "finetune-adamw": {"optimizer": "adamw"},
    "finetune-bf16": {"precision": "bf16"},
    "lora-llama": {"lora": {"rank": 2, "dropout": 0.1}, "optimizer": "adamw"},
    "last-layer": {"trained": "last:1"},
}
TASKS: dict[str, Any] = {
    "embedding": Embedding(kind="embedding", max_tokens=32),
    "embedding-words": Embedding(kind="embedding", max_tokens=32),
    "tagging": Tagging(kind="tagging", max_tokens=32),
    "translation": Translation(
        kind="translation", target_languages={"de": "w20"}, language_tag="answer", max_source_tokens=24, max_target_tokens=8
    ),
}
"""Cases of other tasks than summarization."""

CASES = list(FAMILIES)


def start(case: str, tokens: Path, output: Path, reporter: object, checkpoints: object) -> None:
    job = TrainingJob(tokens, tiny_section(FAMILIES[case]), output, DEVICE, 1, reporter, checkpoints)
    if case in OBJECTIVES:
        pretrain_model(job, Pretraining(objective=case, **COMMON))
    else:
        finetune(job, Finetuning.model_validate({"l1": 1e-4, "patience": 3, **COMMON, **CHANGES.get(case, {})}), task=TASKS.get(case))


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def undisturbed(
    tokens: Path, tmp_path_factory: pytest.TempPathFactory, make_shelf: Callable[[Path], Any]
) -> Callable[[str], dict[str, str]]:
    """Digests of the model folder of a run that was left alone."""
    done: dict[str, dict[str, str]] = {}

    def run(case: str) -> dict[str, str]:
        if case not in done:
            folder = tmp_path_factory.mktemp(case)
            start(case, tokens, folder / "model", SilentReporter(), make_shelf(folder / "shelf"))
            done[case] = digests(folder / "model")
        return done[case]

    return run


@pytest.mark.parametrize("case", CASES)
def test_two_runs_from_scratch_give_the_same_bytes(case: str, tokens: Path, tmp_path: Path, undisturbed, make_shelf) -> None:
    start(case, tokens, tmp_path / "model", SilentReporter(), make_shelf(tmp_path / "shelf"))
    assert digests(tmp_path / "model") == undisturbed(case)


@pytest.mark.parametrize("stop_after", range(STEPS))
@pytest.mark.parametrize("case", CASES)
def test_stopped_at_any_step_and_resumed(
    case: str, stop_after: int, tokens: Path, tmp_path: Path, undisturbed, make_shelf, make_listener
) -> None:
    shelf = make_shelf(tmp_path / "shelf")
    with pytest.raises(Preempted, match=f"after step {stop_after}"):
        start(case, tokens, tmp_path / "model", make_listener(stop_after=stop_after), shelf)
    assert shelf.steps[-1] == stop_after
    assert len(shelf.steps) == len(set(shelf.steps))
    start(case, tokens, tmp_path / "model", SilentReporter(), shelf)
    assert digests(tmp_path / "model") == undisturbed(case)


@pytest.mark.parametrize("case", CASES)
def test_killed_between_checkpoints_again_and_again(
    case: str, tokens: Path, tmp_path: Path, undisturbed, make_shelf, make_listener, caplog
) -> None:
    shelf = make_shelf(tmp_path / "shelf")
    caplog.set_level("INFO")
    for lived in (5, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            start(case, tokens, tmp_path / "model", make_listener(die_after=lived), shelf)
    assert shelf.steps == [3, 6]
    start(case, tokens, tmp_path / "model", SilentReporter(), shelf)
    assert digests(tmp_path / "model") == undisturbed(case)
    assert [record.message for record in caplog.records if "resumed" in record.message] == [f"resumed at step {n}" for n in (3, 3, 6)]


def test_a_resumed_run_repeats_its_metrics_and_uses_the_threads_it_began_with(
    tokens: Path, tmp_path: Path, make_shelf, make_listener
) -> None:
    whole, first, second = make_listener(), make_listener(die_after=5), make_listener()
    start("finetune-t5", tokens, tmp_path / "a", whole, make_shelf(tmp_path / "one"))
    shelf = make_shelf(tmp_path / "two")
    with pytest.raises(KeyboardInterrupt):
        start("finetune-t5", tokens, tmp_path / "b", first, shelf)
    state = json.loads((shelf.newest() / "state.json").read_text())
    assert state["compute_setup"] == {"device": "cpu", "threads": 1, "kernel": "eager", "precision": "fp32"}
    start("finetune-t5", tokens, tmp_path / "b", second, shelf)
    exact = [[(step, values) for step, values in one.seen if "tokens_per_s" not in values] for one in (whole, first, second)]
    assert [row for row in exact[1] if row[0] <= 3] + exact[2] == exact[0]


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named(name: str, tokens: Path, tmp_path: Path, make_shelf, make_listener) -> None:
    shelf = make_shelf(tmp_path / "shelf")
    with pytest.raises(Preempted):
        start("finetune-t5", tokens, tmp_path / "model", make_listener(stop_after=2), shelf)
    (shelf.newest() / name).write_bytes(b"{")
    with pytest.raises(Damaged, match="checkpoint cannot be read"):
        start("finetune-t5", tokens, tmp_path / "model", SilentReporter(), shelf)
    assert not (tmp_path / "model").exists()
