"""A recipe of two sources of different kinds through the whole line: pins, chunks, caps, weights, forgetting and the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from pipeline.cli import run
from pipeline.corpora.of_sources import of_sources
from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpus.counts import check_counts
from pipeline.planning import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

pytestmark = pytest.mark.timeout(600)  # whole lines run


@pytest.fixture
def line(make_line, tmp_path: Path):
    """The small line, whose 400 records are divided among a JSON Lines file and a folder of CSV files; 40 are in both."""
    made = make_line()
    rows = [json.loads(text) for text in Path(made.recipe.data.source.path).read_text().splitlines()]
    web, shop = tmp_path / "web.jsonl", tmp_path / "shop"
    web.write_text("".join(json.dumps(row) + "\n" for row in rows[:240]))
    shop.mkdir()
    for number in range(2):
        with (shop / f"part-{number}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["name", "body", "summary", "shop"])
            writer.writeheader()
            writer.writerows(rows[200 + number :: 2])
    columns = {"text": "body", "target": "summary", "name": "name", "group": "shop"}
    sources = {
        "web": {"kind": "jsonl", "path": str(web), "columns": columns, "weight": 1.5},
        "shop": {"kind": "csv", "path": str(shop), "columns": columns, "max_documents": 100},
    }
    made.recipe = replace_fields(made.recipe, {"data.source": None, "data.sources": sources, "data.checks": {"rules": []}}, "a test")
    return made


def changed(line, name: str, **fields: object) -> dict[str, object]:
    sources = line.recipe.model_dump(mode="json")["data"]["sources"]
    return {"data.sources": [{**source, **(fields if source["name"] == name else {})} for source in sources]}


@pytest.mark.prove
def test_two_sources_of_different_kinds_from_the_pin_to_the_model(line, tmp_path: Path, capsys) -> None:
    line.run()
    corpus, tokens = line.manifest("ingestion"), line.manifest("tokenization")
    folder = line.artifacts.open(corpus, tmp_path / "corpus")
    check_counts(folder, corpus.counts)
    shop, web = of_sources(corpus.counts)
    assert (web.name, web.read, web.documents + web.filtered) == ("web", 240, 240)
    assert (shop.name, shop.read, shop.duplicate) == ("shop", 200, 40)
    assert corpus.counts["filtered_over_cap"] == 60
    assert shop.documents <= 100
    assert corpus.counts["kept"] == shop.documents + web.documents

    shards = [name for name, source in sources_of_shards(folder).items() if source == "web" and name.startswith("train")]
    of_web = sum(parquet.read_metadata(folder / name).num_rows for name in shards)
    assert of_web * 1.3 < tokens.counts["source_documents_web"] < of_web * 1.7
    assert tokens.counts["source_documents_shop"] == corpus.counts["train"] - of_web
    assert tokens.counts["documents_train"] == tokens.counts["source_documents_web"] + tokens.counts["source_documents_shop"]
    report = json.loads((line.artifacts.open(line.manifest("data_check"), tmp_path / "report") / "report.json").read_text())
    assert [one["name"] for one in report["sources"]] == ["shop", "web"]
    assert "| web | 240 |" in (tmp_path / "report" / "README.md").read_text()
    assert "<td>shop</td>" in (tmp_path / "report" / "report.html").read_text()
    assert run(["data", "show", corpus.fingerprint[:12]]) == 0
    assert "share" in capsys.readouterr().out
    assert run(["data", "sample", corpus.fingerprint[:12], "--source", "shop", "--json", "-n", "500"]) == 0
    sampled = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert len(sampled) == shop.documents
    assert run(["data", "sample", corpus.fingerprint[:12], "--source", "shpo"]) == 2
    assert "unknown source 'shpo'; expected one of: shop, web; fix: did you mean 'shop'?" in capsys.readouterr().err

    # another weight: the corpus is a hit; another cap: only the choice is made again
    weighed = Planner(replace_fields(line.recipe, changed(line, "web", weight=1.0), "a test"), line.settings, read_only=True).plan("p")
    assert [weighed.step(name).status for name in ("ingestion", "data_check", "tokenization")] == [Status.HIT, Status.HIT, Status.MISS]
    assert not line.run().launched

    # a forgotten document leaves the next corpus, and is counted for its source
    gone = sampled[0]
    assert run(["forget", "--document", gone["id"], "--reason", "a test"]) == 0
    assert "ingestion" in line.run().launched
    again = line.manifest("ingestion")
    assert again.counts["filtered_forgotten"] == 1
    check_counts(line.artifacts.open(again, tmp_path / "again"), again.counts)
    capsys.readouterr()
    assert run(["data", "sample", again.fingerprint[:12], "--id", gone["id"]]) == 0
    assert "no document fits" in capsys.readouterr().err
