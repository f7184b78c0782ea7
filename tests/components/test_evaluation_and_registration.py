"""Evaluation and registration as their real commands, on a corpus and a model that lie in the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Parts, Provenance, Reference
from pipeline.planning import prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import read_aliases
from pipeline.settings import Settings
from pipeline.tracking import MlflowServer, step_run

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = {"train": 240, "test": 60, "held_out": 30, "validation": 10}


def recipe(name: str, **gate: Any):
    return check_recipe(
        {
            "name": name,
            "data": {"source": {"kind": "pydocs"}, "split": {"salt": "s"}},
            "model": {"family": "t5"},
            "task": {"kind": "summarization"},
            "finetuning": {"steps": 1},
            "evaluation": {"examples": 40, "shown": 3, "resamples": 200},
            "registration": {"model": name, "gate": {"min_examples": 40, "max_contaminated": 1.0, **gate}},
        },
        "test",
    )


def commit(settings: Settings, kind: str, stage: str, folder: Path, counts: dict[str, int]) -> Reference:
    parts = Parts(component=stage, version=1, params={}, inputs={}, modules={}, libraries={})
    provenance = Provenance(code_version="c0de", run="made-by", started=NOW, finished=NOW)
    draft = Draft(type=kind, stage=stage, parts=parts, inputs={}, counts=counts, metrics={}, provenance=provenance)
    return open_artifacts(settings).commit(draft, folder).reference


def run(asked: Any, step: str, settings: Settings, outputs: dict[str, Reference | None], run_id: str = "run-1") -> Reference:
    prepared = prepare_step(asked, run_id, step, settings, outputs)
    assert prepared.request, "it should not have been a hit"
    environment = {
        **os.environ,
        "TRAINSHED_STORE": settings.store,
        "TRAINSHED_STATE": str(settings.state),
        "TRAINSHED_THREADS": "1",
        "MLFLOW_TRACKING_URI": settings.mlflow_uri,
    }
    command = [sys.executable, "-m", f"components.{prepared.request.stage}", "--request", str(prepared.request_uri)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Reference.model_validate_json(done.stdout)


def test_a_report_is_shown_and_a_refused_model_is_a_finished_run(mlflow_server, tiny_corpus, make_model, tmp_path) -> None:
    settings = Settings(store=f"file://{tmp_path}/store", state=tmp_path / "state", mlflow_uri=mlflow_server.uri)
    asked = recipe("last-bodies", min_groups=1, threshold=99.0, beats=["lead"])
    counts = {"read": 340, "kept": 340, "duplicate": 0, "filtered": 0, "quarantined": 0, **COUNTS}
    outputs: dict[str, Reference | None] = {
        "ingestion": commit(settings, "corpus", "ingestion", tiny_corpus, counts),
        "finetuning": commit(settings, "model", "finetuning", make_model(), {}),
        "champion_evaluation": None,
    }
    outputs["evaluation"] = run(asked, "evaluation", settings, outputs)
    assert prepare_step(asked, "run-2", "evaluation", settings, outputs).reference == outputs["evaluation"]
    shown = step_run(settings, asked.name, "run-1", "evaluation")
    place = shown.artifact_uri.removeprefix("mlflow-artifacts:/")
    page = requests.get(f"{mlflow_server.uri}/api/2.0/mlflow-artifacts/artifacts/{place}/report.html", timeout=30)
    assert "Evaluation of a t5_copy model" in page.text

    made = run(asked, "registration", settings, outputs)
    artifacts = open_artifacts(settings)
    folder = artifacts.open(artifacts.find(made.stage, made.fingerprint), tmp_path / "decision")
    decision = json.loads((folder / "decision.json").read_text())
    assert decision["decision"] == "refused"
    assert any("(minimum 99.00)" in reason for reason in decision["reasons"])
    assert Ledger(artifacts.store, asked.name).champion() is None
    assert read_aliases(MlflowServer(settings), asked.name) == {"challenger": 1}
    assert prepare_step(asked, "run-2", "registration", settings, outputs).reference == made
