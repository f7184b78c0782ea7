"""Early stopping on a metric: what is scored, what is kept, and that training ends with the same bits beside it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.families import finetune, tiny_section
from fixtures.local_ranks import LocalRanks

from pipeline.corpus.choose_examples import choose_examples
from pipeline.corpus.documents import Document
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.shards import ShardWriter
from pipeline.errors import BadInput, Preempted
from pipeline.metrics.load_metric import load_metric
from pipeline.models.files import load_model
from pipeline.recipe import Finetuning
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.embedding.section import Embedding
from pipeline.tasks.parts import part
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.tagging.section import Tagging
from pipeline.training.early_stopping import EarlyStopping
from pipeline.training.job import TrainingJob

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITTEN: dict[str, Any] = {"kind": "summarization", "max_source_tokens": 24, "max_target_tokens": 8}
TASKS: dict[str, Any] = {
    "summarization": Summarization(**WRITTEN),
    "drawn": Summarization(**WRITTEN, generation={"sample": True}),
    "lora": Summarization(**WRITTEN),
    "classification": Classification(kind="classification", max_tokens=32),
    "tagging": Tagging(kind="tagging", max_tokens=32),
    "embedding": Embedding(kind="embedding", max_tokens=32),
}
CASES = {
    "summarization": ("t5_copy", "rougeL", {}),
    "drawn": ("t5", "rougeL", {}),
    "lora": ("llama", "bits_per_byte", {"lora": {"rank": 2, "dropout": 0.1}, "optimizer": "adamw"}),
    "tagging": ("bert", "token_accuracy", {}),
    "embedding": ("bert", "mrr", {"precision": "bf16"}),
}
"""Case → family, metric, and what else the recipe says."""

STEPS = 7
COMMON = {
    "steps": STEPS,
    "batch": 4,
    "evaluate_every": 2,
    "checkpoint_every": 3,
    "dropout": 0.1,
    "seed": 5,
    "precision": "fp32",
    "patience": 9,
}
LABELS = ("B-X", "I-X", "O")


def write_documents(folder: Path) -> Path:
    """Validation documents whose words are those of the token folder; the target is what each task expects."""
    random = np.random.default_rng(3)
    for task in TASKS:
        (folder / task).mkdir(parents=True)
        writer = ShardWriter(folder / task, "validation", 1)
        for index in range(15):
            words = [f"w{number}" for number in random.integers(20, 60, random.integers(3, 12))]
            targets = {"tagging": json.dumps([LABELS[int(word[1:]) % 3] for word in words])}
            answer, pair = targets.get(task, f"{words[1]} {words[0]}"), " ".join(words[:2])
            target = None if index in (4, 5) else pair if task == "embedding" else answer
            second = pair if task == "embedding" else None
            writer.add(Document(f"{task}-{index}", "", "", " ".join(words), second, target))
        writer.close()
    return folder


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus for each task."""
    return write_documents(tmp_path_factory.mktemp("corpora"))


@pytest.fixture
def run(tokens: Path, corpora: Path, tmp_path: Path, make_shelf) -> Callable[..., Any]:
    """Fine-tunes a case into ``<tmp_path>/<label>``."""

    def start(case: str, label: str, reporter: Any = None, shelf: Any = None, **changes: Any) -> Any:
        family, metric, more = CASES[case]
        params = Finetuning.model_validate({**COMMON, **more, "stop_on": metric, "stop_examples": 10, **changes})
        checkpoints = shelf or make_shelf(tmp_path / f"shelf-{label}")
        job = TrainingJob(
            tokens, tiny_section(family), tmp_path / label, "cpu", 1, reporter or SilentReporter(), checkpoints, corpus=corpora / case
        )
        return finetune(job, params, task=TASKS[case])

    return start


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def history(folder: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    return rows


@pytest.mark.parametrize("case", CASES)
def test_the_kept_weights_are_the_best_by_the_metric_that_evaluation_computes(case: str, run, corpora: Path, tmp_path: Path) -> None:
    result = run(case, "m")
    metric, name = load_metric(CASES[case][1]), f"validation_{CASES[case][1]}"
    scores = [row[name] for row in history(tmp_path / "m")]
    best = max(scores) if metric.higher_is_better else min(scores)
    assert len(scores) == 4
    assert result.metrics[name] == best
    kept = history(tmp_path / "m")[scores.index(best)]
    assert result.metrics["validation_loss"] == kept["validation_loss"]
    if case in ("drawn", "embedding"):
        return  # answers drawn at random, and a model that computed in bf16: evaluation's differ
    scoring, answerer = part(TASKS[case], "scoring"), Answerer(load_model(tmp_path / "m"))
    documents, references = choose_examples(read_documents(corpora / case, "validation"), scoring.reference, 10, 0)
    said = answerer.predict(documents)
    likelihoods = answerer.likelihoods(documents)
    said = [one._replace(likelihood=found) for one, found in zip(said, likelihoods, strict=True)] if likelihoods else said
    # merging adapters rounds
    assert float(metric.value(metric.statistics(references, said).sum(axis=0))) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_training_takes_the_same_steps_with_a_metric_and_without(case: str, run, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    run(case, "with")
    run(case, "without", stop_on=None, stop_examples=None)
    losses = [[(row["loss"], row["validation_loss"]) for row in history(tmp_path / label)] for label in ("with", "without")]
    assert losses[0] == losses[1]
    assert set(history(tmp_path / "with")[0]) - set(history(tmp_path / "without")[0]) == {f"validation_{CASES[case][1]}"}
    torch.random.set_rng_state(before)


@pytest.mark.parametrize("case", CASES)
def test_stopped_and_killed_it_resumes_with_the_same_bytes(case: str, run, tmp_path: Path, make_shelf, make_listener) -> None:
    run(case, "whole")
    shelf = make_shelf(tmp_path / "shelf")
    with pytest.raises(Preempted):
        run(case, "resumed", make_listener(stop_after=4), shelf)
    with pytest.raises(KeyboardInterrupt):
        run(case, "resumed", make_listener(die_after=1), shelf)
    run(case, "resumed", None, shelf)
    assert digests(tmp_path / "resumed") == digests(tmp_path / "whole")


def test_the_metric_is_reported_beside_the_loss_and_ends_the_run(run, tmp_path: Path, make_listener) -> None:
    listener = make_listener()
    result = run("summarization", "m", listener, steps=60, patience=2, learning_rate=1e-9, matrix_learning_rate=1e-9)
    seen = [(step, set(values)) for step, values in listener.seen if "validation/loss" in values]
    assert seen == [(step, {"validation/loss", "validation/rougeL"}) for step in (2, 4, 6)]
    assert result.metrics["steps"] == 6, "a score that stays the same is no improvement"
    assert listener.beats > 3 * 10


def test_the_direction_of_the_metric_decides() -> None:
    up, down = EarlyStopping(2, higher_is_better=True), EarlyStopping(2)
    assert [up.update(score) for score in (0.0, 0.0, 0.5, 0.4)] == [True, False, True, False]
    assert [down.update(score) for score in (0.0, 0.0, 0.5, -0.4)] == [True, False, False, True]
    assert (up.best, down.best) == (0.5, -0.4)


@pytest.mark.parametrize(("case", "task", "metric"), [("finetune-t5", "summarization", "rougeL"), ("embedding", "embedding", "mrr")])
def test_ranks_score_what_one_does(case: str, task: str, metric: str, tokens: Path, corpora: Path, tmp_path: Path) -> None:
    """The negatives of a contrastive loss are those of a rank, so embedding trains otherwise with two: its weights stay here."""
    exact = {"dropout": 0.0, "optimizer": "adamw", "stop_on": metric, "stop_examples": 9, "corpus": corpora / task, "task": TASKS[task]}
    exact |= {"learning_rate": 1e-12, "l1": 0.0, "weight_decay": 0.0} if case == "embedding" else {}
    found = []
    for size in (1, 2):
        (tmp_path / str(size)).mkdir()
        ranks = LocalRanks(case, tokens, tmp_path / str(size), exact)
        assert ranks.train(size) == [0] * size
        found.append([row[f"validation_{metric}"] for row in history(ranks.output)])
        seen = [values for _, values in ranks.reported()[1] if f"validation/{metric}" in values]
        assert [values[f"validation/{metric}"] for values in seen] == found[-1]
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_a_metric_of_other_answers_or_without_examples_is_refused(run, corpora: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"metric mcc for answers of kind text; expected label; fix: remove it from finetuning\.stop_on"):
        run("summarization", "a", stop_on="mcc")
    for shard in (corpora / "drawn").glob("*.parquet"):
        shard.unlink()
    with pytest.raises(BadInput, match=r"no document of the validation split has an answer for finetuning\.stop_on"):
        run("drawn", "b")
