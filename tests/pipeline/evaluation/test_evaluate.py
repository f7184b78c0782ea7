"""The whole evaluation: files that agree with each other, are the same every time, and feed the gate."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.recipe.evaluation import Evaluation
from pipeline.recipe.gate import Gate
from pipeline.registry.gate import decide
from pipeline.registry.scores import read_scores
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARAMS = Evaluation(examples=40, shown=5, batch=16, resamples=300)


class Listening(SilentReporter):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float]] = []
        self.beats = 0

    def beat(self) -> None:
        self.beats += 1

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        self.told.append((done, total))


def run(corpus: Path, model: Path, output: Path, params: Evaluation = PARAMS):
    output.mkdir()
    return evaluate_model(EvaluationJob(corpus, model, output, "cpu", 1, SilentReporter()), params)


@pytest.fixture(scope="module")
def report(tiny_corpus, make_model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    run(tiny_corpus, make_model(), folder)
    return folder


def test_two_evaluations_write_the_same_bytes(tiny_corpus, make_model, report, tmp_path) -> None:
    run(tiny_corpus, make_model(), tmp_path / "again")
    for name in ("report.json", "examples.parquet", "report.html"):
        first, second = ((folder / name).read_bytes() for folder in (report, tmp_path / "again"))
        assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest(), name


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_counts_figures_and_progress(tiny_corpus, make_model, tmp_path, family) -> None:
    listening = Listening()
    counts, figures = evaluate_model(EvaluationJob(tiny_corpus, make_model(family), tmp_path, "cpu", 1, listening), PARAMS)
    assert counts == {"test": 40, "held_out": 30}
    assert {"test/rougeL", "held_out/bits_per_byte", "test/rougeL_lead", "test/distinct"} <= set(figures)
    assert all(isinstance(value, float) for value in figures.values())
    done = [told for told, _ in listening.told]
    assert done == sorted(done)
    assert listening.told[-1] == (280, 280)


def test_each_token_and_each_batch_is_a_heartbeat(tiny_corpus, make_model, tmp_path) -> None:
    """Two systems answer 70 examples and score them, 16 to a batch; each output has at most 12 tokens."""
    listening = Listening()
    evaluate_model(EvaluationJob(tiny_corpus, make_model(), tmp_path, "cpu", 1, listening), PARAMS)
    batches = 2 * -(-70 // 16)
    assert batches + 2 * -(-70 // 16) <= listening.beats <= batches * (1 + 12) + 100


@pytest.mark.parametrize("slow", ["baseline", "metric"])
def test_a_slow_baseline_or_metric_sends_heartbeats(slow, tiny_corpus, make_model, tmp_path, monkeypatch) -> None:
    listening, began = Listening(), []

    def compute(train_or_references: Sequence[Any], examples_or_outputs: Sequence[Any]) -> list[Any]:
        """Compute until two heartbeats have come, or a minute has passed."""
        began.append(listening.beats)
        until = time.monotonic() + 60
        while listening.beats < began[0] + 2 and time.monotonic() < until:
            sum(range(1000))
        return [0.0 if slow == "metric" else "x" for _ in examples_or_outputs]

    monkeypatch.setattr("pipeline.reporter.BEAT_EVERY_S", 0.01)
    monkeypatch.setattr(
        "pipeline.evaluation.baselines.lead.lead" if slow == "baseline" else "pipeline.evaluation.metrics.rouge.rouge1", compute
    )
    evaluate_model(EvaluationJob(tiny_corpus, make_model(), tmp_path, "cpu", 1, listening), PARAMS)
    assert listening.beats >= began[0] + 2


def test_the_report_says_what_the_examples_say(report) -> None:
    said = json.loads((report / "report.json").read_text())
    rows = pq.read_table(report / "examples.parquet").to_pylist()
    for split, summary in said["splits"].items():
        part = [row for row in rows if row["split"] == split]
        assert len(part) == summary["examples"]
        for system in ("model", "untrained", *BASELINES):
            mean = sum(row[f"{system}.rougeL"] for row in part) / len(part)
            assert summary["systems"][system]["rougeL"]["mean"] == pytest.approx(mean, abs=1e-5)
        bits = sum(row["nats"] for row in part) / 0.6931471805599453 / sum(row["bytes"] for row in part)
        assert summary["likelihood"]["model"]["bits_per_byte"]["mean"] == pytest.approx(bits, abs=1e-5)
        assert summary["distinct"] == pytest.approx(len({row["model.output"] for row in part}) / len(part))


def test_the_model_is_scored_on_what_serving_answers(report, make_model) -> None:
    rows = pq.read_table(report / "examples.parquet").to_pylist()
    answers = Answerer.load(make_model()).answer([row["source"] for row in rows], [row["name"] for row in rows])
    assert [row["model.output"] for row in rows] == answers


def test_a_model_without_a_training_step_equals_the_untrained_one(tiny_corpus, make_model, tmp_path) -> None:
    run(tiny_corpus, make_model(seed=3, sharp=1.0), tmp_path / "out")
    said = json.loads((tmp_path / "out" / "report.json").read_text())["splits"]["test"]
    assert said["systems"]["untrained"]["rougeL"]["model_ahead"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert said["likelihood"]["untrained"] == said["likelihood"]["model"]


def test_the_gate_reads_the_report(report) -> None:
    scores = read_scores(report)
    assert len(scores.ids) == 40
    decision = decide(Gate(minimum=99, min_examples=40, beats=("lead",)), scores, None)
    assert not decision.promote
    assert decide(Gate(min_examples=10, min_distinct=0), scores, scores).figures["champion.difference"] == 0


def test_the_page_is_whole_in_itself_and_shows_every_system(report) -> None:
    page = (report / "report.html").read_text()
    outside = [found for found in re.findall(r"(?:https?:)?//[\w./-]+", page) if "www.w3.org" not in found]
    assert not outside
    assert "<script" not in page
    assert page.count("<svg") == 3
    for system in ("untrained", *BASELINES):
        assert system.replace("_", " ") in page
    assert page.count("<details") == 10


def test_markup_in_a_text_is_shown_not_obeyed(make_model, tmp_path) -> None:
    from pipeline.corpus.documents import Document
    from pipeline.corpus.shards import ShardWriter

    for split in ("train", "test"):
        writer = ShardWriter(tmp_path, split, shard_mb=1)
        writer.add(Document(f"{split}-1", "g", "x", "<img src=x onerror=alert(1)> breaks pages", None, "Break <b>pages</b>."))
        writer.close()
    counts, _ = run(tmp_path, make_model(), tmp_path / "out")
    assert counts == {"test": 1, "held_out": 0}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_corpus_without_pairs_is_one_line(make_model, tmp_path) -> None:
    with pytest.raises(BadInput, match=r"no .text, target. pair in its train split"):
        run(tmp_path, make_model(), tmp_path / "out")


def test_a_model_with_non_finite_weights_gets_no_report(tiny_corpus, make_model, tmp_path) -> None:
    model = tmp_path / "model"
    shutil.copytree(make_model(), model)
    weights = load_file(model / "model.safetensors")
    weights["shared.weight"][7] = torch.nan
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"the model's test/\w+ is nan; fix: train the model again"):
        run(tiny_corpus, model, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
