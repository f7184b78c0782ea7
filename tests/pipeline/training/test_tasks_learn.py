"""Tagging and embedding learn what their examples hold, for each kind of model that can."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import pytest
from fixtures.families import finetune, tiny_section

from pipeline.errors import BadInput
from pipeline.recipe import Finetuning
from pipeline.reporter import SilentReporter
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.tagging.section import Tagging
from pipeline.training.job import TrainingJob

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tasks.section import TaskSection

PARAMS = {"batch": 16, "dropout": 0.0, "precision": "fp32", "patience": 99, "evaluate_every": 50, "checkpoint_every": 500}
TAGS, VECTORS = Tagging(kind="tagging", max_tokens=32), Embedding(kind="embedding", max_tokens=32)


@pytest.fixture(scope="module")
def many(make_tokens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough examples to learn from."""
    return make_tokens(tmp_path_factory.mktemp("tokens"), pairs=800)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
@pytest.mark.parametrize(
    ("task", "guessing"),
    [(TAGS, log(3)), (VECTORS, log(12))],
    ids=["tagging", "embedding"],
)
def test_the_validation_loss_falls_far_below_that_of_guessing(
    family: str, task: TaskSection, guessing: float, many: Path, tmp_path: Path, make_shelf
) -> None:
    """Three tags follow from the tokens; a second text is the beginning of its first, among 12 in the validation's batch."""
    job = TrainingJob(many, tiny_section(family), tmp_path / "m", "cpu", 1, SilentReporter(), make_shelf(tmp_path / "shelf"))
    result = finetune(job, Finetuning.model_validate({"steps": 150, **PARAMS}), task=task)
    assert result.metrics["validation_loss"] < 0.5 * guessing


@pytest.mark.parametrize(
    ("changes", "task", "words"),
    [
        ({"batch": 1}, VECTORS, r"finetuning\.batch 1 for task embedding; expected at least 2"),
        ({}, Embedding(kind="embedding", max_tokens=64), r"task\.max_tokens 64; expected at most model\.context 40"),
        ({}, Tagging(kind="tagging", max_tokens=64), r"task\.max_tokens 64; expected at most model\.context 40"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, task, words: str, many: Path, tmp_path: Path, make_shelf) -> None:
    job = TrainingJob(many, tiny_section("bert"), tmp_path / "m", "cpu", 1, SilentReporter(), make_shelf(tmp_path / "shelf"))
    with pytest.raises(BadInput, match=words):
        finetune(job, Finetuning.model_validate({"steps": 1, **PARAMS, **changes}), task=task)
