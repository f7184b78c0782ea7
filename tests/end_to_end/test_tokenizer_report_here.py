"""The report of a tokenizer in a line: beside the tokens, against the champion's tokenizer, on its page, and as `trainshed data show` prints it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fixtures.line import Heard

from pipeline import cli
from pipeline.artifacts.manifest import blob_key
from pipeline.local.run import run_local
from pipeline.pages.index import write_index
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger
from pipeline.tracking import step_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)  # whole lines run


@pytest.mark.prove
def test_a_tokenizer_is_reported_and_compared_with_the_champions(make_line, tmp_path: Path, monkeypatch, capsys) -> None:
    line = make_line()

    def run(changes: dict[str, object] | None = None) -> Heard:
        """Run under a name as the command line gives it, by which pages find the recipe."""
        heard, line.count = Heard(), line.count + 1
        recipe = replace_fields(line.recipe, changes, "a test") if changes else line.recipe
        line.outputs = run_local(recipe, f"{recipe.name}-20260101-00000{line.count}-abcd", line.settings, heard)
        return heard

    assert "tokenization" in run().launched
    first = line.manifest("tokenization")
    assert {name for name in first.metrics if name.startswith("previous_tokenizer/")} == set()
    report = json.loads((line.artifacts.open(first, tmp_path / "first") / "report.json").read_bytes())
    assert report["rows"][0]["documents"] == first.counts["documents_train"]
    assert report["vocabulary"]["size"] == first.counts["vocabulary"]

    # a hit stays a hit, although there is a champion now
    assert run().launched == []
    assert "tokenization" in run({"tokenizer.vocabulary": 500}).launched
    second = line.manifest("tokenization")
    assert second.metrics["previous_tokenizer/same"] == 0
    assert second.metrics["previous_tokenizer/train/bytes_per_token"] == first.metrics["tokenizer/train/bytes_per_token"]
    assert second.metrics["previous_tokenizer/train/tokens"] < 1
    # it was compared, not made from it
    assert "previous" not in second.inputs
    assert "previous" not in second.parts.inputs

    tracked = step_run(line.settings, line.recipe.name, second.provenance.run, "tokenization")
    logged = tracked.server.call("GET", "runs/get", {"run_id": tracked.id})["run"]["data"]["metrics"]
    assert {one["key"]: one["value"] for one in logged}.items() >= second.metrics.items()

    write_index(line.settings)
    own = line.artifacts.store.get(f"pages/tokenizer-{line.recipe.name}.html").data.decode()
    assert "fewer</b> tokens than the champion" in " ".join(own.split())

    monkeypatch.setenv("TRAINSHED_STORE", line.settings.store)
    monkeypatch.setenv("TRAINSHED_STATE", str(line.settings.state))
    capsys.readouterr()
    corpus = line.manifest("ingestion").fingerprint[:12]
    assert cli.run(["data", "show", corpus, "--page"]) == 0
    said = capsys.readouterr().out
    assert "bytes per token" in said
    assert "tokens to champion" in said
    assert "/tokenizer-" in said
    assert cli.run(["data", "show", corpus, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["tokenizer"]
    assert told["tokens"]["digest"] == second.digest
    assert told["compared"]["previous_tokenizer/same"] == 0

    # the champion's tokenizer is damaged: nothing is compared, and tokens are made all the same
    champion = line.artifacts.resolve(Ledger(line.artifacts.store, line.recipe.registration.model).champion().challenger.model)
    entry = next(file for file in champion.files if file.path == "tokenizer.json")
    line.artifacts.store.put(blob_key(entry.sha256), bytes(entry.size))
    assert "tokenization" in run({"tokenizer.vocabulary": 450}).launched
    assert not any(name.startswith("previous_tokenizer/") for name in line.manifest("tokenization").metrics)
