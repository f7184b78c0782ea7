"""Whole lines that start from given weights, on real servers: from an ordinary folder, and from the champion of an earlier run."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.starts import pretrained_folder

from pipeline.errors import BadInput
from pipeline.planning import Status
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Line

    from pipeline.planning import Plan

pytestmark = pytest.mark.timeout(900)  # whole lines run, some of them twice

LABELS = {"kind": "classification", "max_tokens": 40}
NOUNS = {
    "data.source.columns.target": "shop",
    "data.source.columns.group": None,
    "registration.gate": {"beats": [], "min_examples": 1, "min_groups": 1, "max_contaminated": 1.0},
}
"""The noun that a document is about is its label."""
ALL = ["ingestion", "model_import", "tokenization", "finetuning", "evaluation", "registration"]


def started(line: Line, start: str, **fields: Any) -> None:
    """Let the line start from given weights, without pretraining unless ``fields`` say otherwise."""
    model = {"start": start, "context": 48, "family": None, "config": {}}
    line.recipe = replace_fields(line.recipe, {"model": model, "pretraining": None, **fields}, "a test")


def statuses(plan: Plan) -> dict[str, Status]:
    return {row.id: row.status for row in plan.steps}


def systems(line: Line, place: Path) -> dict[str, Any]:
    """Scores of the last report, by system."""
    found = json.loads((line.artifacts.open(line.manifest("evaluation"), place) / "report.json").read_text())
    return found["splits"]["test"]["systems"]


def test_from_a_bert_folder_to_a_promoted_classifier_and_its_retraining(make_line, tmp_path: Path) -> None:
    base = pretrained_folder(tmp_path / "base", "bert")
    line = make_line()
    name = line.recipe.registration.model
    started(line, str(base), task=LABELS, **NOUNS)
    assert line.run().launched == ALL
    first = line.manifest("finetuning")
    assert Ledger(line.artifacts.store, name).champion().digest == first.digest
    champion = line.artifacts.open(first, tmp_path / "champion")
    assert (champion / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    told = systems(line, tmp_path / "report")
    assert "untrained" in told

    started(line, f"models:/{name}@champion")
    again = line.run()
    assert again.launched == ["finetuning", "evaluation", "champion_evaluation", "registration"]
    assert statuses(again.plans[0])["tokenization"] is Status.HIT  # the champion has the tokenizer of its base
    assert line.manifest("finetuning").inputs["base"].digest == first.digest
    # the classes are the same, so the head is kept: the model before its first step answers as the champion does
    assert systems(line, tmp_path / "second")["untrained"]["accuracy"]["value"] == told["model"]["accuracy"]["value"]


@pytest.mark.prove
def test_from_a_t5_folder_to_a_summarizer_with_pretraining(make_line, tmp_path: Path) -> None:
    line = make_line()
    pretraining = line.recipe.pretraining.model_dump(mode="json")
    base = pretrained_folder(tmp_path / "base", "t5")
    started(line, str(base), pretraining=pretraining)
    assert line.run().launched == [*ALL[:3], "pretraining", *ALL[3:]]
    assert line.manifest("pretraining").inputs["base"] == line.manifest("model_import").reference
    # the same weights in another place make the same base, so everything after the import is a hit; the new champion is scored, without its base
    shutil.copytree(base, tmp_path / "moved")
    started(line, str(tmp_path / "moved"), pretraining=pretraining)
    assert line.run().launched == ["model_import", "champion_evaluation"]


@pytest.mark.prove
def test_an_adapter_beside_its_base_is_promoted_and_trained_on(make_line, tmp_path: Path) -> None:
    """The weights of the base are one blob in the store: of the import, of the first champion and of the second one."""
    base = pretrained_folder(tmp_path / "base", "t5")
    line = make_line()
    name = line.recipe.registration.model
    lora = {"rank": 2, "targets": ["q", "v"], "keep": "adapter"}
    started(line, str(base), **{"finetuning.lora": lora, "finetuning.optimizer": "adamw", "finetuning.learning_rate": 0.05})
    assert line.run().launched == ALL
    given, first = line.manifest("model_import"), line.manifest("finetuning")
    started(line, f"models:/{name}@champion")
    assert "finetuning" in line.run().launched
    second = line.manifest("finetuning")
    digests = [{entry.path: entry.sha256 for entry in manifest.files} for manifest in (given, first, second)]
    assert digests[0]["model.safetensors"] == digests[1]["base/model.safetensors"] == digests[2]["base/model.safetensors"]
    assert digests[1]["adapter_model.safetensors"] != digests[2]["adapter_model.safetensors"]
    told = json.loads((line.artifacts.open(line.manifest("evaluation"), tmp_path / "report") / "report.json").read_text())
    assert "untrained" in told["splits"]["test"]["systems"]


def test_without_a_champion_the_plan_says_what_to_do(make_line) -> None:
    line = make_line()
    started(line, "models:/nobody@champion")
    with pytest.raises(BadInput, match=r"model\.start: nobody has no champion yet; fix: train the first one with model\.family"):
        line.run()
