"""What a demo prints about a report: the task's own metric, in its direction, for texts and for classes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures.artifacts import write_files
from fixtures.reports import TOPICS, write_report
from rich.console import Console

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Parts, Provenance, Reference
from pipeline.cli.report import show_report
from pipeline.evaluation.scoring import Scoring
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.recipe import Gate, read_recipe
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
RECIPE = read_recipe(Path(__file__).parents[3] / "dags" / "recipes" / "pydocs.yaml")
MODEL = Reference(type="model", stage="finetuning", fingerprint="m", digest="m")


@pytest.fixture
def shown(folder_settings, tmp_path, capsys):
    """Commit a report, and return the lines that are printed about it."""

    def show(scoring, references, predictions, **inputs: Reference) -> list[str]:
        folder_settings.state.mkdir()
        folder = tmp_path / "report"
        folder.mkdir()
        write_report(folder, scoring, references, predictions)
        parts = Parts(component="evaluation", version=1, params={}, inputs={"model": "m"}, modules={}, libraries={})
        provenance = Provenance(code_version="x", run="r", started=NOW, finished=NOW)
        draft = Draft(type="report", stage="evaluation", parts=parts, inputs={"model": MODEL, **inputs}, provenance=provenance)
        report = open_artifacts(folder_settings).commit(draft, folder).reference
        candidate = Candidate(version=3, model=MODEL, report=report)
        entry = LedgerEntry(number=1, decision=Outcome.PROMOTED, challenger=candidate, time=NOW, run="r")
        registration = RECIPE.registration.model_copy(update={"gate": Gate()})
        recipe = RECIPE.model_copy(update={"registration": registration})
        show_report(entry, recipe, "r", folder_settings, Console(width=1000, soft_wrap=True, highlight=False))
        assert (folder_settings.state / "reports" / "pydocs.html").read_text() == (folder / "report.html").read_text()
        return capsys.readouterr().out.splitlines()

    return show


def test_classes(shown) -> None:
    references = ["a", "b"] * 10
    right = [Prediction(answer) for answer in references[:18]] + [Prediction("c")] * 2
    printed = shown(TOPICS, references, {"model": right, "majority": [Prediction("a")] * 20})
    assert printed[1] == "Scores on test: 20 documents not seen in training in 5 groups"
    assert printed[2].split()[0] == "system"
    assert [line.split()[:2] for line in printed[3:5]] == [["model", "90.0"], ["majority", "50.0"]]
    assert "+40.0 (+" in printed[4]
    assert any(line.startswith("Three test examples, ordered by score") for line in printed)
    assert sum(line.startswith("    model ") for line in printed) == 3


def test_the_page_of_the_data_is_named_where_the_corpus_was_checked(shown, folder_settings, tmp_path) -> None:
    parts = Parts(component="data_check", version=1, params={}, inputs={}, modules={}, libraries={})
    provenance = Provenance(code_version="x", run="r", started=NOW, finished=NOW)
    draft = Draft(type="data_report", stage="data_check", parts=parts, inputs={}, provenance=provenance)
    checked = open_artifacts(folder_settings).commit(draft, write_files(tmp_path / "page", {"report.html": "the data"})).reference
    printed = shown(TOPICS, ["a", "b"] * 10, {"model": [Prediction("a")] * 20, "majority": [Prediction("a")] * 20}, checked=checked)
    place = folder_settings.state.resolve() / "reports" / "pydocs-data.html"
    assert f"  data     {place}" in printed
    assert place.read_text() == "the data"


def test_a_metric_that_is_better_when_lower(shown) -> None:
    bits = {"model": 100, "untrained": 300}
    predictions = {name: [Prediction(None, None, Likelihood(nats + index, 10, 40)) for index in range(20)] for name, nats in bits.items()}
    scoring = Scoring("none", ("bits_per_byte",), "bits_per_byte", {}, (), lambda one: one.text)
    printed = shown(scoring, ["some text"] * 20, predictions)
    assert [line.split()[0] for line in printed[3:5]] == ["model", "untrained"]
    assert "+7.213 (+7.213 to +7.213)" in printed[4]
    assert not any(line.startswith("    model ") for line in printed)
