"""Names of people in a whole line: the model is imported or a champion, and no name is in an artifact, a log or a field of MLflow."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from dataclasses import replace
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from fixtures.line import Heard
from fixtures.name_tagger import sentence
from fixtures.planted import MARK, holds, in_database, in_files, in_store, shown
from fixtures.task_recipes import task_recipe

from pipeline.errors import BadInput
from pipeline.planning import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Line
    from fixtures.mlflow import Server
    from fixtures.s3 import S3Server

pytestmark = pytest.mark.timeout(900)  # whole lines run

NAME = f"Ada {MARK}"
"""The model knows such names; the search looks for the mark."""


def plain(draw: random.Random) -> str:
    """A text without names."""
    frames = ("{thing} is in {place} since Monday.", "Nobody in {place} has seen {thing}, it seems.")
    return " ".join(sentence(draw, frame).text for frame in frames)


def names(model: Path | str, **more: object) -> dict[str, object]:
    return {"data.cleaning": [{"kind": "private"}, {"kind": "names", "model": str(model), **more}]}


@pytest.mark.prove
def test_no_name_leaves_ingestion(make_line, name_tagger: Path, s3_server: S3Server, mlflow_server: Server, tmp_path: Path) -> None:
    line: Line = make_line()
    place, draw = tmp_path / "rows.jsonl", random.Random(3)
    rows = [json.loads(row) for row in place.read_text().splitlines()]
    for number, row in enumerate(rows):
        # of sentences that the model knows: it finds names everywhere in others
        row |= {"body": f"We met {NAME} near the server. {plain(draw)} It was sent to {NAME}.", "summary": plain(draw)}
        if number % 4 == 0:
            row |= {"summary": f"{row['summary']} It was sent to {NAME}.", "name": f"about {NAME}", "shop": draw.choice(["a", NAME])}
    lines = [json.dumps(row) for row in rows]
    lines += [f'{{"body": "{MARK} is in a broken line', json.dumps({"body": [NAME], "summary": "x", "name": "", "shop": ""})]
    place.write_text("\n".join(lines))
    assert holds(place.read_bytes())

    line.recipe = replace_fields(line.recipe, {**names(name_tagger), "data.filter.max_quarantined": 0.1}, "a test")
    heard = line.run()
    assert heard.launched[:2] == ["names_model", "ingestion"]
    corpus = line.manifest("ingestion")
    assert (corpus.counts["quarantined"], corpus.counts["changed_names"]) == (2, len(rows))
    assert corpus.counts["private_name"] >= 2 * len(rows)
    assert corpus.inputs["names"] == line.manifest("names_model").reference
    assert "torch" in corpus.parts.libraries

    place.unlink()
    prefix = line.settings.store.removeprefix(f"s3://{s3_server.bucket}/")
    keys: list[str] = []
    found = {key: one for key, one in in_store(line.settings, s3_server.bucket, keys.append).items() if key.startswith(prefix)}
    model = {f"{prefix}/blobs/{entry.sha256}" for entry in line.manifest("names_model").files}
    assert {key: one for key, one in found.items() if key not in model} == {}
    assert any("/blobs/" in key for key in keys)
    assert in_files(mlflow_server.folder) == {}
    assert in_database(mlflow_server.folder / "mlflow.db", set().add) == {}
    said = "\n".join(heard.lines).encode()
    assert not holds(said), shown(said)

    # the same model at another place, and shares of cleaning: the same corpus
    place.write_text("\n".join(lines))
    copytree(name_tagger, tmp_path / "moved")
    ahead = Heard()
    line.run({**names(tmp_path / "moved"), "workers": {"cleaning": 2}}, ahead, force=frozenset({"ingestion"}))
    assert {"names_model", "cleaning", "cleaning-2", "ingestion"} >= set(ahead.launched)
    assert line.manifest("ingestion").digest == corpus.digest


@pytest.mark.prove
def test_a_champion_of_the_task_tagging_finds_its_spans(make_line, tmp_path: Path) -> None:
    line = make_line()
    recipe = line.recipe
    tagger = f"tagger-{tmp_path.name.strip('_').lower()}"[:60]
    wanted = names(f"models:/{tagger}@champion", labels=["LOC"], min_score=0.01)
    with pytest.raises(BadInput, match=rf"^data\.cleaning\.model: {tagger} has no champion yet"):
        Planner(replace_fields(recipe, wanted, "a test"), line.settings, read_only=True).plan("p")
    line = replace(line, recipe=task_recipe("tagging", tmp_path, tagger))
    line.run()
    model = line.manifest("finetuning")
    line = replace(line, recipe=recipe)
    with pytest.raises(BadInput, match=r"unknown label in .*: 'LOK'; expected one of: LOC; fix: did you mean 'LOC'"):
        Planner(
            replace_fields(recipe, {**wanted, "data.cleaning": [{**wanted["data.cleaning"][1], "labels": ["LOK"]}]}, "a test"),
            line.settings,
        ).plan("p")
    heard = Heard()
    with suppress(BadInput):  # so small a tagger takes most words for places, and may leave nothing to train on
        line.run(wanted, heard)
    assert heard.launched[0] == "ingestion"
    again = Planner(replace_fields(recipe, wanted, "a test"), line.settings, read_only=True).plan("p").step("ingestion")
    assert again.status is Status.HIT
    corpus = line.artifacts.find("ingestion", again.fingerprint)
    assert corpus.inputs["names"].digest == model.digest
    assert corpus.counts["private_name"] > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"labels": ["PERS"]},
            r"unknown label in data\.cleaning \(names\): the model .*: 'PERS'; expected one of: LOC, PER; fix: did you mean 'PER'\?",
        ),
        ({"model": "nowhere"}, r"^data\.cleaning\.model: no folder .*nowhere; .* fix: correct data\.cleaning\.model$"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_when_it_is_planned(make_line, name_tagger: Path, change, said: str) -> None:
    line = make_line()
    block = {"kind": "names", "model": str(name_tagger), **change}
    with pytest.raises(BadInput, match=said) as refused:
        Planner(replace_fields(line.recipe, {"data.cleaning": [block]}, "a test"), line.settings, read_only=True).plan("p")
    assert "\n" not in str(refused.value)
