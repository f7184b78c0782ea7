"""The import as its real command: a folder and a GGUF file become base models, and what is wrong ends with one line and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fixtures.starts import gguf_file, pretrained_folder

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.manifest import Reference
from pipeline.planning import prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.mlflow import Server

    from pipeline.artifacts.manifest import Manifest
    from pipeline.planning import PreparedStep
    from pipeline.recipe import Recipe


@pytest.fixture
def settings(tmp_path: Path, mlflow_server: Server) -> Settings:
    return Settings(store=f"file://{tmp_path}/store", state=tmp_path / "state", mlflow_uri=mlflow_server.uri)


def recipe(start: object, words: list[str] | None = None) -> Recipe:
    return check_recipe(
        {
            "name": "tiny-import",
            "data": {"source": {"kind": "text", "path": "x.txt"}, "split": {"salt": "s"}},
            "tokenizer": {"words": words},
            "model": {"start": str(start)},
            "task": {"kind": "language_model"},
            "pretraining": {"objective": "causal_lm", "steps": 1},
            "registration": {"model": "tiny-import"},
        },
        "test",
    )


def run(prepared: PreparedStep, settings: Settings) -> subprocess.CompletedProcess[str]:
    """Run the component that was prepared, as a launcher does."""
    environment = {
        **os.environ,
        "TRAINSHED_STORE": settings.store,
        "TRAINSHED_STATE": str(settings.state),
        "MLFLOW_TRACKING_URI": settings.mlflow_uri,
    }
    command = [sys.executable, "-m", "components.model_import", "--request", str(prepared.request_uri)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def imported(made: Recipe, name: str, settings: Settings) -> Manifest:
    """The manifest of an import that works."""
    done = run(prepare_step(made, name, "model_import", settings, {}), settings)
    assert done.returncode == 0, done.stderr
    reference = Reference.model_validate_json(done.stdout)
    assert prepare_step(made, f"{name}-again", "model_import", settings, {}).reference == reference
    found = open_artifacts(settings).find(reference.stage, reference.fingerprint)
    assert found
    return found


def test_a_folder_a_gguf_file_and_a_folder_with_more_words(tmp_path: Path, settings: Settings) -> None:
    base = pretrained_folder(tmp_path / "base", "llama")
    plain = imported(recipe(base), "plain", settings)
    assert {entry.path for entry in plain.files} >= {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"}
    single = imported(recipe(gguf_file(base, tmp_path / "tiny.gguf")), "gguf", settings)
    assert single.counts == plain.counts
    extended = imported(recipe(base, ["shopkeeper"]), "words", settings)
    assert extended.counts["vocabulary"] == plain.counts["vocabulary"] + 1


def test_weights_that_are_cut_or_changed_end_with_one_line(tmp_path: Path, settings: Settings) -> None:
    base = pretrained_folder(tmp_path / "base", "llama")
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    prepared = prepare_step(recipe(base), "cut", "model_import", settings, {})
    refused = run(prepared, settings)
    assert refused.returncode == 2
    assert "model.safetensors is cut or damaged" in refused.stderr
    weights.write_bytes(weights.read_bytes()[:-100])
    changed = run(prepared, settings)
    assert changed.returncode == 2
    assert "model.safetensors changed since it was planned (its content is different)" in changed.stderr
    assert "Traceback" not in refused.stderr + changed.stderr
