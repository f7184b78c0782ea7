"""The whole evaluation: files that agree with each other, are the same every time, and feed the gate."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import accuracy_score, f1_score

from components.evaluation.__main__ import predict
from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.evaluation.scoring import Scoring
from pipeline.metrics.base import Prediction, means
from pipeline.metrics.load_metric import load_metric
from pipeline.metrics.rouge import ROUGE_L
from pipeline.recipe.evaluation import Evaluation
from pipeline.recipe.gate import Gate
from pipeline.registry.gate import decide
from pipeline.registry.scores import read_scores
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer
from pipeline.tasks.summarization.scoring import make_scoring
from pipeline.tasks.summarization.section import Summarization

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARAMS = Evaluation(examples=40, shown=5, batch=16, resamples=300)
SUMMARIES = make_scoring(Summarization(kind="summarization"))


class Listening(SilentReporter):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float]] = []
        self.beats = 0

    def beat(self) -> None:
        self.beats += 1

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        self.told.append((done, total))


def job(corpus: Path, model: Path, output: Path, **more: Any) -> EvaluationJob:
    """An evaluation of summaries, unless it says otherwise."""
    fields = {"reporter": SilentReporter(), "scoring": SUMMARIES, "predict": predict} | more
    return EvaluationJob(corpus, model, output, "cpu", 1, **fields)


def run(corpus: Path, model: Path, output: Path, params: Evaluation = PARAMS, **more: Any):
    output.mkdir()
    return evaluate_model(job(corpus, model, output, **more), params)


@pytest.fixture(scope="module")
def report(tiny_corpus, make_model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    run(tiny_corpus, make_model(), folder)
    return folder


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The report, and its examples."""
    return json.loads((folder / "report.json").read_text()), pq.read_table(folder / "examples.parquet").to_pylist()


def test_two_evaluations_write_the_same_bytes(tiny_corpus, make_model, report, tmp_path) -> None:
    run(tiny_corpus, make_model(), tmp_path / "again")
    for name in ("report.json", "examples.parquet", "report.html"):
        first, second = ((folder / name).read_bytes() for folder in (report, tmp_path / "again"))
        assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest(), name


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_counts_figures_and_progress(tiny_corpus, make_model, tmp_path, family) -> None:
    listening = Listening()
    counts, figures = evaluate_model(job(tiny_corpus, make_model(family), tmp_path, reporter=listening), PARAMS)
    assert counts == {"test": 40, "held_out": 30}
    assert {"test/rougeL", "held_out/bits_per_byte", "test/rougeL_lead", "test/distinct"} <= set(figures)
    assert all(isinstance(value, float) for value in figures.values())
    done = [told for told, _ in listening.told]
    assert done == sorted(done)
    assert listening.told[-1] == (140, 140)


def test_each_token_and_each_batch_is_a_heartbeat(tiny_corpus, make_model, tmp_path) -> None:
    """Two systems answer 70 examples and score them, 16 to a batch; each output has at most 12 tokens."""
    listening = Listening()
    evaluate_model(job(tiny_corpus, make_model(), tmp_path, reporter=listening), PARAMS)
    batches = 2 * -(-70 // 16)
    assert batches + 2 * -(-70 // 16) <= listening.beats <= batches * (1 + 12) + 100


@pytest.mark.parametrize("slow", ["baseline", "metric"])
def test_a_slow_baseline_or_metric_sends_heartbeats(slow, tiny_corpus, make_model, tmp_path, monkeypatch) -> None:
    listening, began = Listening(), []

    def compute(known_or_references: Sequence[Any], asked_or_predictions: Sequence[Any]) -> Any:
        """Compute until two heartbeats have come, or a minute has passed."""
        began.append(listening.beats)
        until = time.monotonic() + 60
        while listening.beats < began[0] + 2 and time.monotonic() < until:
            sum(range(1000))
        return means([0.0] * len(asked_or_predictions)) if slow == "metric" else [Prediction("x")] * len(asked_or_predictions)

    monkeypatch.setattr("pipeline.reporter.BEAT_EVERY_S", 0.01)
    if slow == "baseline":
        lead = BASELINES.load("lead")
        monkeypatch.setattr("pipeline.evaluation.baselines.lead.LEAD", replace(lead, predict=compute))
    else:
        monkeypatch.setattr("pipeline.metrics.rouge.ROUGE_L", replace(ROUGE_L, statistics=compute))
    evaluate_model(job(tiny_corpus, make_model(), tmp_path, reporter=listening), PARAMS)
    assert listening.beats >= began[0] + 2


def test_the_report_says_what_the_examples_say(report) -> None:
    said, rows = read(report)
    assert said["scoring"] == {
        "answers": "text",
        "beats": ["lead", "most_frequent"],
        "metrics": ["rougeL", "rouge1", "rouge2", "bits_per_byte", "perplexity", "loss"],
        "primary": "rougeL",
    }
    assert said["baselines"] == {"known": 240, "limit": 20_000}
    for split, summary in said["splits"].items():
        part = [row for row in rows if row["split"] == split]
        assert len(part) == summary["examples"]
        assert summary["groups"] == len({row["group"] for row in part}) == 1
        for system in ("model", "untrained", *SUMMARIES.baselines):
            for name, score in summary["systems"][system].items():
                total = np.sum([row[f"{system}.{name}"] for row in part], axis=0)
                assert score["value"] == pytest.approx(float(load_metric(name).value(total)), rel=1e-5, abs=1e-5)
        assert summary["texts"]["model"]["distinct"] == pytest.approx(len({row["model.output"] for row in part}) / len(part))
        assert summary["texts"]["references"]["empty"] == 0


def test_a_metric_of_other_answers_is_refused_before_anything_is_computed(tiny_corpus, tmp_path) -> None:
    with pytest.raises(BadInput, match=r"metric mcc for answers of kind text; expected label; fix: remove it from evaluation\.metrics"):
        run(tiny_corpus, tmp_path / "no model", tmp_path / "out", PARAMS.model_copy(update={"metrics": ("mcc",)}))


def test_only_systems_with_a_likelihood_have_scores_of_it(report) -> None:
    systems = read(report)[0]["splits"]["test"]["systems"]
    assert {name for name, said in systems.items() if "bits_per_byte" in said} == {"model", "untrained"}
    assert all("rougeL" in said for said in systems.values())


def test_a_metric_of_the_recipe_is_added_to_those_of_the_task(tiny_corpus, make_model, tmp_path) -> None:
    _, figures = run(tiny_corpus, make_model(), tmp_path / "out", PARAMS.model_copy(update={"metrics": ("chrf", "rougeL")}))
    said, rows = read(tmp_path / "out")
    assert said["scoring"]["metrics"] == [*SUMMARIES.metrics, "chrf"]
    assert figures["test/chrf"] == said["splits"]["test"]["systems"]["model"]["chrf"]["value"] > 0
    assert len(rows[0]["model.chrf"]) == 18


def test_the_model_is_scored_on_what_serving_answers(report, make_model) -> None:
    rows = pq.read_table(report / "examples.parquet").to_pylist()
    answers = Answerer.load(make_model()).answer([{"text": row["source"], "name": row["name"]} for row in rows])["answer"]
    assert [row["model.output"] for row in rows] == answers


def test_a_model_without_a_training_step_equals_the_untrained_one(tiny_corpus, make_model, tmp_path) -> None:
    run(tiny_corpus, make_model(seed=3, sharp=1.0), tmp_path / "out")
    systems = read(tmp_path / "out")[0]["splits"]["test"]["systems"]
    for name in SUMMARIES.metrics:
        assert systems["untrained"][name].pop("model_ahead") == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert systems["untrained"] == systems["model"]


def test_the_gate_reads_the_report(report) -> None:
    scores = read_scores(report)
    assert len(scores.ids) == 40
    decision = decide(Gate(threshold=99, min_examples=40, min_groups=1, beats=("lead",)), scores, None)
    assert not decision.promote
    assert decision.figures["rougeL"] == pytest.approx(read(report)[0]["splits"]["test"]["systems"]["model"]["rougeL"]["value"])
    assert decide(Gate(min_examples=10, min_distinct=0), scores, scores).figures["champion.difference"] == 0
    assert decide(Gate(metric="perplexity"), scores, scores).figures["champion.difference"] == 0


def test_one_group_is_too_few_for_a_decision_and_the_page_says_so(report) -> None:
    reasons = decide(Gate(min_examples=1, min_distinct=0), read_scores(report), None).reasons
    assert "1 groups of test examples (minimum 10)" in reasons
    assert "So few groups give intervals that are too narrow." in (report / "report.html").read_text()


def test_the_page_is_whole_in_itself_and_shows_every_system(report) -> None:
    page = (report / "report.html").read_text()
    outside = [found for found in re.findall(r"(?:https?:)?//[\w./-]+", page) if "www.w3.org" not in found]
    assert not outside
    assert "<script" not in page
    assert page.count("<svg") == 3
    for system in ("untrained", *SUMMARIES.baselines):
        assert system.replace("_", " ") in page
    assert page.count("<details") == 12


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


def topic(name: str) -> str:
    """A class that a rule finds in the name of a document."""
    return name.split(".")[1]


def rule(loaded: Any, examples: Any, batch: int, progress: Any) -> list[Prediction]:
    """The right topic for names of even length, else always files, with a probability."""
    progress.report(len(examples.documents))
    answers = [topic(one.name) if len(one.name) % 2 == 0 else "files" for one in examples.documents]
    return [Prediction(answer, {answer: 0.75, "other": 0.25}) for answer in answers]


TOPICS = Scoring(
    answers="label",
    metrics=("f1_macro", "accuracy", "mcc", "calibration_error"),
    primary="f1_macro",
    baselines={name: BASELINES[name] for name in ("majority", "nearest_neighbour", "tfidf_logistic")},
    beats=("majority",),
    reference=lambda document: topic(document.name),
)


def test_classes_are_scored_shown_and_decided(tiny_corpus, make_model, tmp_path) -> None:
    counts, figures = run(tiny_corpus, make_model(), tmp_path / "out", scoring=TOPICS, predict=rule)
    said, rows = read(tmp_path / "out")
    part = [row for row in rows if row["split"] == "test"]
    assert counts["test"] == len(part) == 40
    expected, answered = [row["reference"] for row in part], [row["model.output"] for row in part]
    assert figures["test/accuracy"] == pytest.approx(100 * accuracy_score(expected, answered))
    labels = sorted(set(expected))
    assert figures["test/f1_macro"] == pytest.approx(100 * f1_score(expected, answered, average="macro", labels=labels), abs=1e-5)
    assert "test/f1_macro_tfidf_logistic" in figures
    assert "test/distinct" not in figures
    summary = said["splits"]["test"]
    assert "texts" not in summary
    wrong = [(a, b) for a, b in zip(expected, answered, strict=True) if a != b]
    assert sum(row["count"] for row in summary["confusions"]) == len(wrong) > 0
    assert summary["confusions"][0]["of"] == expected.count(summary["confusions"][0]["expected"])
    assert "calibration_error" not in summary["systems"]["nearest_neighbour"]
    assert {row["model.probability"] for row in part} == {0.75}
    gate = Gate(min_examples=10, min_groups=1)
    scores = read_scores(tmp_path / "out")
    assert scores.references == tuple(expected)
    assert not decide(gate, scores, None).promote  # all examples are of one group, so nobody knows about others
    assert decide(gate, replace(scores, groups=("",) * 40), None).figures["majority.difference_low"] > 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Confused classes" in page
    assert "distinct" not in page
    assert "macro F1" in page


NUMBERS = Scoring(
    answers="number",
    metrics=("rmse", "pearson", "spearman"),
    primary="rmse",
    baselines={name: BASELINES[name] for name in ("mean_number", "nearest_neighbour")},
    beats=("mean_number",),
    reference=lambda document: float(len(document.text)),
    show=lambda answer: f"{answer:.1f}",
)


def test_numbers_are_scored_and_the_best_is_the_lowest_error(tiny_corpus, make_model, tmp_path) -> None:
    def guess(loaded: Any, examples: Any, batch: int, progress: Any) -> list[Prediction]:
        return [Prediction(len(one.text) + float(len(one.name) % 3 - 1)) for one in examples.documents]

    run(tiny_corpus, make_model(), tmp_path / "out", scoring=NUMBERS, predict=guess)
    systems = read(tmp_path / "out")[0]["splits"]["test"]["systems"]
    assert systems["model"]["rmse"]["value"] < systems["mean_number"]["rmse"]["value"]
    assert systems["mean_number"]["rmse"]["model_ahead"]["value"] > 0
    residuals = read(tmp_path / "out")[0]["splits"]["test"]["residuals"]
    assert residuals["largest"] == 1
    assert -1 <= residuals["quantiles"]["0.05"] <= residuals["quantiles"]["0.95"] <= 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<h3>Errors</h3>" in page
    assert "lower is better" in page


def test_a_language_model_is_scored_without_answers(tiny_corpus, make_model, tmp_path) -> None:
    def probable(loaded: Any, examples: Any, batch: int, progress: Any) -> list[Prediction]:
        return [one._replace(answer=None) for one in predict(loaded, examples, batch, progress)]

    asked = Scoring("none", ("bits_per_byte",), "bits_per_byte", {}, (), SUMMARIES.reference)
    run(tiny_corpus, make_model(), tmp_path / "out", scoring=asked, predict=probable)
    said, rows = read(tmp_path / "out")
    assert set(said["splits"]["test"]["systems"]) == {"model", "untrained"}
    assert not any(name.endswith(".output") for name in rows[0])
    decision = decide(Gate(min_examples=10, min_groups=1, threshold=0.0), read_scores(tmp_path / "out"), None)
    assert re.fullmatch(r"bits_per_byte is \d+\.\d{4} \(maximum 0\.0000\)", decision.reasons[0])
