"""The page of a report: what it shows of systems that lack something."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fixtures.reports import TOPICS, write_report

from pipeline.evaluation.nearest import Near, Nearest
from pipeline.evaluation.plots import draw_history
from pipeline.evaluation.scoring import Scoring
from pipeline.metrics.base import Prediction

if TYPE_CHECKING:
    from pathlib import Path

NEAR = Nearest("Near words", "By cosine.", [("file", [Near("folder", 0.912), Near("<b>", -0.1)])])

REFERENCES = ["a", "b", "b", "c"] * 6


def said(answers: list[str], **scores: float) -> list[Prediction]:
    return [Prediction(answer, scores or None) for answer in answers]


def test_a_report_without_an_untrained_model_shows_the_others(tmp_path: Path) -> None:
    answers = {"model": said(["a", "b", "c", "c"] * 6), "majority": said(["b"] * 24)}
    page = write_report(tmp_path, TOPICS, REFERENCES, answers)
    assert "untrained" not in page
    assert "the most frequent training class, for everything" in page
    assert "examples in 6 groups" in page
    assert "a sample that a hash chose" in page


def test_a_column_is_a_metric_that_at_least_half_of_the_systems_have(tmp_path: Path) -> None:
    scoring = TOPICS.with_metrics(("calibration_error",))
    answers = {"model": said(REFERENCES, a=0.5, b=0.5, c=0.5), "x": said(["b"] * 24), "majority": said(["b"] * 24)}
    page = write_report(tmp_path, scoring, REFERENCES, {name: answers[name] for name in ("model", "majority")})
    assert re.search("<th>calibration error", page)
    page = write_report(
        tmp_path, scoring, REFERENCES, {name: answers[name] for name in ("model", "majority")} | {"untrained": answers["x"]}
    )
    assert not re.search("<th>calibration error", page)
    assert "<span>calibration error, " in page


def test_right_and_wrong_answers_are_marked_with_their_probability(tmp_path: Path) -> None:
    answers = {"model": said(["a", "c", "c", "c"] * 6, a=0.9, c=0.8), "majority": said(["b"] * 24)}
    page = write_report(tmp_path, TOPICS, REFERENCES, answers)
    assert '<span class="up">a</span> <small>right, 90%</small>' in page
    assert '<span class="down">b</span> <small>wrong</small>' in page
    assert "<h3>Confused classes</h3>" in page
    confused = re.findall(r'<tr><td>(\w)</td><td class="left">(\w)</td><td>(\d+)</td><td>(.*?)</td></tr>', page)
    assert confused == [("b", "c", "12", "100 % of 12")]


def test_tags_are_scored_by_span_and_confused_by_token(tmp_path: Path) -> None:
    scoring = Scoring("tags", ("span_f1",), "span_f1", (), (), lambda one: one.target, " ".join)
    references = [["B-PER", "I-PER", "O", "B-LOC"]] * 4
    answers = {"model": [Prediction(["B-PER", "I-PER", "O", "B-PER"])] * 4, "untrained": [Prediction(["O", "O", "O"])] * 4}
    page = write_report(tmp_path, scoring, references, answers)
    systems = json.loads((tmp_path / "report.json").read_text())["splits"]["test"]["systems"]
    assert systems["model"]["span_f1"]["value"] == 50
    assert systems["untrained"]["span_f1"]["value"] == 0
    assert "<h3>Confused tags</h3>" in page
    assert '<tr><td>B-LOC</td><td class="left">B-PER</td><td>4</td><td>100 % of 4</td></tr>' in page
    assert "B-PER I-PER O B-PER <small>50.0</small>" in page


def test_the_metric_that_early_stopping_looked_at_has_a_curve_of_its_own() -> None:
    rows = [{"step": step, "loss": 3.0, "validation_loss": 3.1, "learning_rate": 0.1} for step in (10, 20)]
    scored = [{**row, "validation_rougeL": 12.5 + row["step"]} for row in rows]
    assert "ROUGE-L" not in draw_history(rows)
    drawn = draw_history(scored)
    assert "validation ROUGE-L" in drawn
    assert "ROUGE-L (higher is better)" in drawn
    assert drawn == draw_history(scored)
    assert draw_history([]) == ""


def test_what_lies_near_what_is_a_table_of_the_page(tmp_path: Path) -> None:
    predictions = {"model": said(REFERENCES), "majority": said(["b"] * 24)}
    page = write_report(tmp_path, TOPICS, REFERENCES, predictions, [NEAR])
    assert "<h2>Near words</h2>" in page
    assert "<td>file</td>" in page
    assert "<span>folder<small>0.91</small></span>" in page
    assert "<span>&lt;b&gt;<small>-0.10</small></span>" in page
    assert "Near words" not in write_report(tmp_path, TOPICS, REFERENCES, predictions)
