"""Ingestion and tokenization as their real commands, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.cases import few

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import PREFIX
from pipeline.artifacts.manifest import Reference
from pipeline.corpus.counts import check_counts
from pipeline.erasure.keys import text_key
from pipeline.erasure.tombstones import Tombstone, append_tombstone
from pipeline.planning import PreparedStep, prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings
from pipeline.tokens.token_stream import TokenStream

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.mlflow import Server

    from pipeline.artifacts.manifest import Manifest
    from pipeline.recipe import Recipe


@pytest.fixture
def settings(tmp_path: Path, mlflow_server: Server) -> Settings:
    return Settings(store=f"file://{tmp_path}/store", state=tmp_path / "state", mlflow_uri=mlflow_server.uri)


def run(prepared: PreparedStep, settings: Settings) -> subprocess.CompletedProcess[str]:
    """Run the component that was prepared, as a launcher does."""
    assert prepared.request
    environment = {
        **os.environ,
        "TRAINSHED_STORE": settings.store,
        "TRAINSHED_STATE": str(settings.state),
        "MLFLOW_TRACKING_URI": settings.mlflow_uri,
    }
    command = [sys.executable, "-m", f"components.{prepared.request.stage}", "--request", str(prepared.request_uri)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def recipe(source: dict[str, object], **changes: object) -> Recipe:
    return check_recipe(
        {
            **changes,
            "name": "tiny-data",
            "data": {"source": source, "split": {"salt": "s"}},
            "tokenizer": {"vocabulary": 400, "sentinels": 10},
            "model": {"family": "t5"},
            "task": {"kind": "summarization"},
            "finetuning": {"steps": 1},
            "registration": {"model": "tiny-data"},
        },
        "test",
    )


def test_from_a_source_to_tokens(tmp_path: Path, settings: Settings) -> None:
    source = tmp_path / "rows.jsonl"
    rows = [
        {"body": f"The body of the row number {index}, some words long.", "summary": f"Summary number {index}."} for index in range(300)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny = recipe({"kind": "jsonl", "path": str(source), "columns": {"text": "body", "target": "summary"}})
    outputs: dict[str, Reference | None] = {}
    for stage in ("ingestion", "tokenization"):
        prepared = prepare_step(tiny, "run-1", stage, settings, outputs)
        done = run(prepared, settings)
        assert done.returncode == 0, done.stderr
        outputs[stage] = Reference.model_validate_json(done.stdout)
        assert prepare_step(tiny, "run-2", stage, settings, outputs).reference == outputs[stage]
    artifacts = open_artifacts(settings)
    corpus, tokens = (artifacts.find(found.stage, found.fingerprint) for found in outputs.values() if found)
    assert corpus
    assert tokens
    assert corpus.counts["read"] == 300
    check_counts(artifacts.open(corpus, tmp_path / "corpus"), corpus.counts)
    stream = TokenStream(artifacts.open(tokens, tmp_path / "tokens") / "streams" / "train", "uint16")
    assert len(stream) == corpus.counts["train"] == tokens.counts["documents_train"]
    source.write_text(source.read_text() + "not json\n" * 9)
    refused = run(prepare_step(tiny, "run-3", "ingestion", settings, {}), settings)
    assert refused.returncode == 2
    assert "9 of 309 records could not be read" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_installed_packages_are_read_by_several_processes(settings: Settings) -> None:
    done = run(prepare_step(recipe({"kind": "pydocs", "packages": ["click", "packaging"]}), "run-4", "ingestion", settings, {}), settings)
    assert done.returncode == 0, done.stderr
    reference = Reference.model_validate_json(done.stdout)
    corpus = open_artifacts(settings).find(reference.stage, reference.fingerprint)
    assert corpus
    assert corpus.counts["kept"] > 300


@pytest.mark.parametrize("count", few([2, 4], [2]))
def test_shares_that_were_cleaned_ahead_end_with_the_corpus_of_one_step(count: int, tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        # each file is larger than a chunk, and so a chunk of its own
        rows = [{"body": f"Text {number} {index}. " + "word " * 500, "summary": f"Summary {number} of {index}."} for index in range(1800)]
        (folder / f"part-{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"kind": "jsonl", "path": str(folder), "columns": {"text": "body", "target": "summary"}}
    alone = settings.model_copy(update={"store": f"file://{tmp_path}/alone"})
    done = run(prepare_step(recipe(source), "run-1", "ingestion", alone, {}), alone)
    assert done.returncode == 0, done.stderr
    whole = Reference.model_validate_json(done.stdout)

    shared = recipe(source, workers={"cleaning": count})
    outputs: dict[str, Reference | None] = {}
    steps = ["cleaning", *(f"cleaning-{number}" for number in range(2, count + 1))]
    for step in steps:
        done = run(prepare_step(shared, "run-2", step, settings, outputs), settings)
        assert done.returncode == 0, done.stderr
        outputs[step] = Reference.model_validate_json(done.stdout)
        assert prepare_step(shared, "run-3", step, settings, outputs).reference == outputs[step]
    artifacts = open_artifacts(settings)
    shares = [artifacts.resolve(outputs[step]) for step in steps]
    assert sum(found.counts["chunks"] for found in shares) == 3
    assert sum(found.counts["read"] for found in shares) == 5400
    prepared = prepare_step(shared, "run-2", "ingestion", settings, outputs)
    assert prepared.request
    assert set(prepared.request.inputs) == {"cleaned", *(f"cleaned-{number}" for number in range(2, count + 1))}
    assert prepared.request.fingerprint == whole.fingerprint
    for place in folder.iterdir():
        place.write_text("changed: whoever reads it now ends with an error\n")
    done = run(prepared, settings)
    assert done.returncode == 0, done.stderr
    made = Reference.model_validate_json(done.stdout)
    assert made.digest == whole.digest


def test_an_attempt_that_knows_of_a_request_to_forget_takes_no_corpus_that_does_not(tmp_path: Path, settings: Settings) -> None:
    """Two runs are planned before and after the request, and the first one commits while the second one waits."""
    source = tmp_path / "rows.jsonl"
    rows = [{"body": f"The body of the row number {index}, some words long.", "summary": f"Summary number {index}."} for index in range(60)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny = recipe({"kind": "jsonl", "path": str(source), "columns": {"text": "body", "target": "summary"}})
    before = prepare_step(tiny, "run-1", "ingestion", settings, {})
    store, asked = open_artifacts(settings).store, text_key(rows[7]["body"])
    append_tombstone(store, Tombstone(number=1, time=datetime.now(UTC), person="ada", texts=(asked,)))
    after = prepare_step(tiny, "run-2", "ingestion", settings, {})
    assert before.request
    assert after.request
    assert after.request.fingerprint == before.request.fingerprint  # nothing shows that the new corpus will hold it
    store.delete("forgotten/000001.json")
    first = run(before, settings)
    assert first.returncode == 0, first.stderr
    append_tombstone(store, Tombstone(number=1, time=datetime.now(UTC), person="ada", texts=(asked,)))
    second = run(after, settings)
    assert second.returncode == 0, second.stderr
    with_it, without = (open_artifacts(settings).resolve(Reference.model_validate_json(done.stdout)) for done in (first, second))
    assert with_it
    assert without
    assert (with_it.counts["kept"], without.counts["kept"], without.counts["filtered_forgotten"]) == (60, 59, 1)
    assert open_artifacts(settings).find("ingestion", after.request.fingerprint) == without
    assert prepare_step(tiny, "run-3", "ingestion", settings, {}).reference == without.reference


def test_shares_of_several_sources_are_found_by_ingestion_and_by_a_recipe_of_one_of_them(tmp_path: Path, settings: Settings) -> None:
    def long(name: str, index: int) -> dict[str, str]:
        return {"body": f"Text {name} {index}. " + "word " * 300, "summary": f"Summary {index} of {name}."}

    rows, table = tmp_path / "rows.jsonl", tmp_path / "table"
    rows.write_text("".join(json.dumps(long("web", index)) + "\n" for index in range(900)))
    table.mkdir()
    for number in range(2):
        lines = [",".join(long(f"shop-{number}", index).values()) for index in range(900)]
        (table / f"part-{number}.csv").write_text("\n".join(["body,summary", *lines]) + "\n")
    columns = {"text": "body", "target": "summary"}
    sources = {
        "web": {"kind": "jsonl", "path": str(rows), "columns": columns},
        "shop": {"kind": "csv", "path": str(table), "columns": columns, "max_documents": 1000},
    }

    def several(**changes: object) -> Recipe:
        plain = recipe(sources["web"], **changes).model_dump(mode="json")
        return check_recipe({**plain, "data": {**plain["data"], "source": None, "sources": sources}}, "test")

    outputs: dict[str, Reference | None] = {}
    shared = several(workers={"cleaning": 2})
    for step in ("cleaning", "cleaning-2"):
        done = run(prepare_step(shared, "run-2", step, settings, outputs), settings)
        assert done.returncode == 0, done.stderr
        outputs[step] = Reference.model_validate_json(done.stdout)
    prepared = prepare_step(shared, "run-2", "ingestion", settings, outputs)
    alone = prepare_step(recipe(sources["web"]), "run-3", "ingestion", settings, {})
    for place in (rows, *table.iterdir()):
        place.write_text("changed: whoever reads it now ends with an error\n")
    for attempt, kept in ((prepared, 1900), (alone, 900)):
        done = run(attempt, settings)
        assert done.returncode == 0, done.stderr
        made = open_artifacts(settings).resolve(Reference.model_validate_json(done.stdout))
        assert made
        assert made.counts["kept"] == kept
    changed = run(prepare_step(several(), "run-4", "ingestion", settings, {}), settings)
    assert changed.returncode == 2
    assert "correct data.sources.shop.columns" in changed.stderr


def test_shares_that_were_encoded_ahead_end_with_the_tokens_of_one_step(tmp_path: Path, settings: Settings) -> None:
    """Two shards for three machines: the third has nothing to do."""
    place, columns = tmp_path / "rows.jsonl", {"text": "body", "target": "summary"}
    rows = [
        {"body": f"The body of the row number {index}, some words long.", "summary": f"Summary number {index}."} for index in range(300)
    ]
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"kind": "jsonl", "path": str(place), "columns": columns}
    alone, shared = recipe(source), recipe(source, workers={"tokenization": 3})
    store, outputs = open_artifacts(settings), {}

    def make(one: Recipe, step: str) -> Manifest:
        done = run(prepare_step(one, "run-1", step, settings, outputs), settings)
        assert done.returncode == 0, done.stderr
        found = store.resolve(Reference.model_validate_json(done.stdout))
        assert found
        outputs[step] = found.reference
        return found

    make(alone, "ingestion")
    whole = make(alone, "tokenization")
    for key in [stat.key for prefix in (PREFIX, "manifests/tokenization/") for stat in store.store.list(prefix)]:
        store.store.delete(key)  # as where nobody has tokenized this corpus
    tokenizer = make(shared, "tokenizer")
    assert {(each.path, each.sha256) for each in tokenizer.files} == {
        (each.path.removeprefix("tokenizer/"), each.sha256) for each in whole.files if each.path.startswith("tokenizer/")
    }
    encoded = [make(shared, step) for step in ("encoding", "encoding-2", "encoding-3")]
    assert [share.counts["shards"] for share in encoded] == [1, 1, 0]
    assert sorted(name for share in encoded for name in share.intermediates) == sorted(whole.intermediates)
    assert prepare_step(shared, "run-2", "encoding-3", settings, outputs).reference == encoded[2].reference
    kept = {stat.key: stat.etag for stat in store.store.list(PREFIX)}
    made = make(shared, "tokenization")
    assert set(made.inputs) == {"corpus", "tokenizer", "encoded", "encoded-2", "encoded-3"}
    assert (made.fingerprint, made.digest, made.counts) == (whole.fingerprint, whole.digest, whole.counts)
    assert {stat.key: stat.etag for stat in store.store.list(PREFIX)} == kept, "tokenization encoded nothing"
