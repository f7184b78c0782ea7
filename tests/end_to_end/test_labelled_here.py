"""A real small champion, scored on fresh labelled data on this machine: when it alarms, and what is not scored again."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fixtures.families import CONFIGS
from fixtures.line import Heard

from pipeline import cli
from pipeline.errors import BadInput
from pipeline.local.run import run_local
from pipeline.monitoring.look import Looks
from pipeline.monitoring.page import render_looks
from pipeline.monitoring.run import look_at
from pipeline.recipe.recipe import check_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Line

    from pipeline.monitoring.look import Check, Look

pytestmark = pytest.mark.timeout(600)  # a line trains, and scores several times

WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon", "fig", "peach"],
    "tools": ["hammer", "saw", "drill", "chisel", "wrench", "pliers", "file", "vice"],
    "birds": ["heron", "crow", "finch", "owl", "swan", "stork", "wren", "robin"],
}
NOW = datetime.now(UTC)


def rows(count: int, seed: int, *, shuffled: bool = False) -> list[dict[str, Any]]:
    """Texts whose words say the class; with shuffled labels they do not."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        label = draw.choice(list(WORDS))
        text = " ".join(["we", "saw", *draw.choices(WORDS[label], k=5), "near", str(draw.randrange(10**6))])
        made.append({"body": text, "label": draw.choice(list(WORDS)) if shuffled else label})
    return made


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in records))


def recipe_of(folder: Path, name: str) -> dict[str, Any]:
    columns = {"text": "body", "target": "label"}
    return {
        "name": name,
        "data": {
            "source": {"kind": "jsonl", "path": str(folder / "rows.jsonl"), "columns": columns},
            "split": {"salt": "labelled", "test": 0.2, "validation": 0.1},
        },
        "tokenizer": {"vocabulary": 400, "sentinels": 0},
        "model": {"family": "bert", "config": CONFIGS["bert"], "context": 64},
        "task": {"kind": "classification", "max_tokens": 48},
        "finetuning": {"steps": 120, "batch": 16, "learning_rate": 0.003, "checkpoint_every": 60, "evaluate_every": 60},
        "evaluation": {"examples": 300, "resamples": 100},
        "registration": {"model": name, "gate": {"beats": [], "min_examples": 1, "min_groups": 1}},
        "monitor": {
            "labelled": {
                "source": {"kind": "jsonl", "path": str(folder / "fresh.jsonl"), "columns": columns},
                "threshold": 60,
                "max_drop": 10,
                "least": 50,
            },
            "cool_down_days": 1,
        },
    }


def look(line: Line, days: float, *, emit: bool = True) -> tuple[Look, list[str]]:
    """Score and look once; the look, and the steps that ran."""
    heard, run = Heard(), f"{line.recipe.name}-look-{days}"
    outputs = run_local(line.recipe, run, line.settings, heard, line="monitor")
    report = outputs["evaluation"]
    return look_at(line.recipe, line.settings, run, emit=emit, report=report, now=NOW + timedelta(days=days)), heard.launched


def checks(found: Look) -> dict[str, Check]:
    return {check.name: check for check in found.checks}


@pytest.mark.prove
def test_a_champion_is_scored_on_what_is_fresh(make_line, tmp_path: Path, capsys) -> None:
    line = make_line("labelled", "bert")
    learned = rows(700, 1)
    write(tmp_path / "rows.jsonl", learned)
    plain = recipe_of(tmp_path, f"labelled-{tmp_path.name.strip('_').lower()}"[:50])
    line = replace(line, recipe=check_recipe(plain, "labelled.yaml"))
    fresh = tmp_path / "fresh.jsonl"

    # nothing to score yet: one line, before anything runs
    write(fresh, rows(200, 2))
    found, launched = look(line, 0)
    assert (launched, [check.says for check in found.checks]) == ([], [f"{plain['name']} has no champion yet"])
    line.run()
    accuracy = line.manifest("evaluation").metrics["test/accuracy"]
    assert accuracy > 90

    # texts like those of training, some of them the very same: these are left out
    write(fresh, rows(200, 2) + learned[:120])
    found, launched = look(line, 1)
    assert launched == ["ingestion", "evaluation"]
    score, drop = checks(found)["score"], checks(found)["drop"]
    assert (score.crossed, drop.crossed, found.event) == (False, False, False)
    assert score.low <= score.value <= score.high
    corpus = line.artifacts.resolve(line.artifacts.resolve(found.report).inputs["corpus"])
    known = corpus.counts["filtered_known_input"]
    assert 60 <= known < 120, "records of the test split were not learned from"
    assert corpus.counts["test"] == 320 - known
    assert f"{320 - known} fresh examples, {known} known from training left out" in score.says
    assert corpus.counts["train"] == line.manifest("ingestion").counts["train"]
    assert f"accuracy was {accuracy:.2f} on the" in drop.says

    # nothing new: the steps are cached, and the finding stays
    again, launched = look(line, 1.5)
    assert (launched, again.report, checks(again)["score"]) == ([], found.report, score)

    # labels that are wrong: both limits are crossed, and a retraining is asked for once in a cool-down
    write(fresh, rows(300, 3, shuffled=True))
    found, launched = look(line, 2)
    assert launched == ["ingestion", "evaluation"]
    score, drop = checks(found)["score"], checks(found)["drop"]
    assert (score.crossed, drop.crossed, found.event) == (True, True, True)
    assert score.high < 60
    assert drop.low > 10
    assert not look(line, 2.5)[0].event

    # a few records decide nothing
    write(fresh, rows(20, 4, shuffled=True))
    found, _ = look(line, 2.6)
    (score,) = [check for check in found.checks if check.name in {"score", "drop"}]
    assert (score.crossed, score.says.startswith("too few: accuracy ")) == (False, True)
    assert "on 20 fresh examples, 50 are needed" in score.says

    page = render_looks(Looks(line.artifacts.store, plain["name"]).newest(10))
    assert "Trend of score" in page
    assert 'class="band"' in page

    # a source with nothing but what was learned, and one that is gone
    write(fresh, line_of_training(learned, line))
    with pytest.raises(BadInput, match=r"no fresh example is left of \d+ records \(\d+ known from training, 0 filtered, 0 quarantined\)"):
        look(line, 3)
    fresh.unlink()
    file = tmp_path / f"{plain['name']}.yaml"
    file.write_text(yaml.safe_dump(plain))
    capsys.readouterr()
    assert cli.run(["monitor", str(file)]) == 2
    said = capsys.readouterr().err
    assert "fresh.jsonl" in said
    assert said.count("\n") == 1

    # the command scores by itself
    write(fresh, rows(60, 5))
    assert cli.run(["monitor", str(file)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "evaluation done" in said
    assert "within all limits" in said


def line_of_training(learned: list[dict[str, Any]], line: Line) -> list[dict[str, Any]]:
    """The records that are in the training split of the champion's corpus."""
    from pipeline.corpus.read_corpus import read_documents

    folder = line.artifacts.open(line.manifest("ingestion"), line.settings.state / "corpus-of-test")
    texts = {document.text for document in read_documents(folder, "train")}
    return [row for row in learned if row["body"] in texts]
