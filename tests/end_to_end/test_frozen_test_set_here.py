"""A line with a frozen test set and a benchmark: planted test texts leave training, and the gate counts on one test set."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.line import Heard

from pipeline import cli
from pipeline.corpora.contamination import read_contamination
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Line

pytestmark = pytest.mark.timeout(600)  # whole lines run

DRAW = random.Random(13)
WORDS = ["".join(DRAW.choices("abcdefghijklmnoprstuvwz", k=DRAW.randint(2, 9))) for _ in range(3000)]


def text(count: int) -> str:
    return " ".join(DRAW.choices(WORDS, k=count))


def rows(count: int) -> list[dict[str, Any]]:
    return [{"body": f"{text(30)}.", "summary": f"{text(6)}.", "name": f"n{DRAW.randrange(10**6)}", "shop": "s"} for _ in range(count)]


def write(place: Path, records: list[dict[str, Any]]) -> Path:
    place.write_text("".join(json.dumps(row) + "\n" for row in records))
    return place


def texts(line: Line, folder: Path, *splits: str) -> set[str]:
    opened = line.artifacts.open(line.manifest("ingestion"), folder)
    return {found.text for split in splits for found in read_documents(opened, split)}


@pytest.mark.prove
def test_planted_test_texts_leave_training_and_the_test_set_stays(make_line, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean, tests, quiz = rows(300), rows(40), rows(60)
    answers = [row["summary"] for row in tests]
    planted = {
        "in_test_source": [{**rows(1)[0], "body": row["body"].upper()} for row in tests[:6]]
        + [{**rows(1)[0], "summary": answer} for answer in answers[6:10]],
        "near_test_source": [{**rows(1)[0], "body": f"{text(30)}. {row['body']} {text(30)}."} for row in tests[10:17]],
        "contaminated": [
            *({**rows(1)[0], "body": f"{text(20)} {' '.join(row['body'].split()[5:18])} {text(9)}"} for row in quiz[:9]),
            *({**rows(1)[0], "body": f"{text(20)}, “{' '.join(row['body'].split()[5:18])}”"} for row in tests[20:24]),
        ],
    }
    source = [*clean, *(row for some in planted.values() for row in some)]
    write(tmp_path / "rows.jsonl", DRAW.sample(source, len(source)))
    line: Line = make_line()
    columns = {"text": "body", "target": "summary", "name": "name"}
    changes = {
        "data.test_source": {"kind": "jsonl", "path": str(write(tmp_path / "tests.jsonl", tests)), "columns": columns},
        "data.decontamination": {
            "against": [
                {"name": "quiz", "source": {"kind": "jsonl", "path": str(write(tmp_path / "quiz.jsonl", quiz)), "columns": columns}}
            ]
        },
    }
    line.recipe = replace_fields(line.recipe, changes, "a test")
    assert line.run().launched[:4] == ["test_set", "benchmark", "ingestion", "tokenization"]
    made = line.manifest("ingestion")
    assert {name: made.counts[f"filtered_{name}"] for name in planted} == {name: len(some) for name, some in planted.items()}
    # both tell the same story: the quiz has nine of the contaminated ones, the test set 4 and those that are near it
    assert made.counts["contaminated_quiz"] == 9
    assert made.counts["contaminated_test_source"] == 4 + 7
    assert made.counts["filtered"] == sum(map(len, planted.values()))
    assert texts(line, tmp_path / "one", "train", "validation", "held_out") == {row["body"] for row in clean}
    assert texts(line, tmp_path / "tests", "test") == {row["body"] for row in tests}
    found = {each["reason"] + " " + each["name"]: each["documents"] for each in read_contamination(tmp_path / "one")}
    assert found == {"near_test_source test_source": 7, "contaminated test_source": 11, "contaminated quiz": 9}
    report = json.loads((line.artifacts.open(line.manifest("evaluation"), tmp_path / "report") / "report.json").read_text())
    assert (report["contamination"]["exact"], report["contamination"]["near"]) == (0, 0)
    ledger = Ledger(line.artifacts.store, line.recipe.registration.model)
    first = ledger.head()

    # new training data: another corpus, the same test set, and the gate counts on
    write(tmp_path / "rows.jsonl", [*source[:200], *rows(100)])
    heard = line.run()
    assert heard.launched[:2] == ["ingestion", "tokenization"]
    again = line.manifest("ingestion")
    assert (
        again.digest_of(("test-*.parquet",))
        == made.digest_of(("test-*.parquet",))
        == line.manifest("test_set").digest_of(("test-*.parquet",))
    )
    assert again.digest != made.digest
    second = ledger.head()

    # a person's document of the test set: it leaves test set and corpus, and the gate still counts on
    capsys.readouterr()
    one = next(read_documents(tmp_path / "tests", "test"))
    assert cli.run(["forget", "--document", one.id, "--reason", "request 1"]) == 0
    said = capsys.readouterr().out
    assert " test_set " in said
    assert " ingestion " in said
    assert line.run().launched[:2] == ["test_set", "ingestion"]
    assert line.manifest("test_set").counts["filtered_forgotten"] == 1
    assert texts(line, tmp_path / "left", "test") == {row["body"] for row in tests} - {one.text}
    third = ledger.head()
    assert first.comparison is None
    assert second.comparison is not None
    assert third.comparison is not None
    assert second.comparison.test_set == third.comparison.test_set


def test_a_test_set_that_is_missing_is_found_by_the_plan(make_line, tmp_path: Path) -> None:
    line: Line = make_line()
    columns = {"text": "body", "target": "summary"}
    gone = {"kind": "jsonl", "path": str(tmp_path / "gone.jsonl"), "columns": columns}
    for field, changes in (
        ("data.test_source", {"data.test_source": gone}),
        ("data.decontamination.against.0.source", {"data.decontamination": {"against": [{"name": "quiz", "source": gone}]}}),
    ):
        with pytest.raises(BadInput, match=rf"{field}\.path '.*gone\.jsonl' finds no"):
            Planner(replace_fields(line.recipe, changes, "a test"), line.settings, read_only=True).plan("p")
    assert Heard().launched == []
