"""A corpus of fresh examples: training documents of another corpus, and a test split of what the model did not learn from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.corpus.counts import check_counts
from pipeline.corpus.read_corpus import read_documents, shard_paths
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.errors import BadInput
from pipeline.recipe import Columns
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.tagging.section import Tagging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.corpora import Ingest

    from pipeline.tasks.section import TaskSection

EVEN = {"test": 0.2, "validation": 0.2, "held_out_groups": 0.2}
COLUMNS = Columns(text="body", target="answer", group="who")


def labelled(index: int) -> dict[str, Any]:
    return {"body": f"This is the text of number {index}.", "answer": ("bug", "ask")[index % 2], "who": f"author {index % 9}"}


def summarized(index: int) -> dict[str, Any]:
    return {"body": f"This is the text of number {index}.", "answer": f"The summary of text {index}.", "who": f"author {index % 9}"}


def tagged(index: int) -> dict[str, Any]:
    words = ["this", "is", "the", "sentence", f"number{index}"]
    return {"body": words, "answer": ["O", "O", "O", "O", "B-N"], "who": f"author {index % 9}"}


TASKS = [
    (Classification(kind="classification"), labelled),
    (Summarization(kind="summarization"), summarized),
    (Tagging(kind="tagging"), tagged),
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(("task", "make"), TASKS, ids=lambda value: getattr(value, "kind", ""))
def test_what_was_learned_is_left_out_and_the_rest_is_the_test_split(
    task: TaskSection, make: Callable[[int], dict[str, Any]], tmp_path: Path, ingest: Ingest
) -> None:
    old = write(tmp_path / "old.jsonl", [make(index) for index in range(300)])
    learned, before = ingest("jsonl", old, "learned", columns=COLUMNS, task=task, split=EVEN)
    assert min(before[split] for split in SPLITS) > 10
    new = write(tmp_path / "new.jsonl", [make(index) for index in range(200, 500)])
    fresh, counts = ingest("jsonl", new, "fresh", columns=COLUMNS, task=task, split=EVEN, learned=learned)
    check_counts(fresh, counts)
    assert [shard.read_bytes() for shard in shard_paths(fresh, TRAIN)] == [shard.read_bytes() for shard in shard_paths(learned, TRAIN)]
    assert (counts[TRAIN], counts["pairs_train"]) == (before[TRAIN], before["pairs_train"])
    texts = {split: {found.text for found in read_documents(learned, split)} for split in SPLITS}
    tested = {found.text for found in read_documents(fresh, TEST)}
    # of the records that are in both, those of test and held-out were not learned from
    assert tested.isdisjoint(texts[TRAIN] | texts[VALIDATION])
    known = sum(counts.get(f"filtered_known_{key}", 0) for key in ("input", "answer"))
    assert (counts[TEST], counts["held_out"], counts[VALIDATION]) == (300 - known, 0, 0)
    assert 40 < known < 80


def test_a_class_that_training_did_not_know_is_filtered(tmp_path: Path, ingest: Ingest) -> None:
    task = Classification(kind="classification")
    learned, _ = ingest("jsonl", write(tmp_path / "old.jsonl", [labelled(index) for index in range(300)]), columns=COLUMNS, task=task)
    rows = [labelled(index) for index in range(300, 350)] + [{**labelled(1000), "answer": "praise"}]
    fresh, counts = ingest("jsonl", write(tmp_path / "new.jsonl", rows), "fresh", columns=COLUMNS, task=task, learned=learned)
    assert (counts[TEST], counts["filtered_unknown_class"]) == (50, 1)
    assert json.loads((fresh / "labels.json").read_text()) == ["ask", "bug"]


def test_the_share_of_unreadable_records_is_that_of_the_fresh_ones(tmp_path: Path, ingest: Ingest) -> None:
    learned, _ = ingest("jsonl", write(tmp_path / "old.jsonl", [summarized(index) for index in range(300)]), columns=COLUMNS)
    new = write(tmp_path / "new.jsonl", [summarized(index) for index in range(300, 340)])
    new.write_text(new.read_text() + "no json\n" * 2)
    with pytest.raises(BadInput, match="2 of 42 records"):
        ingest("jsonl", new, "fresh", columns=COLUMNS, learned=learned)


def test_nothing_fresh_is_one_line(tmp_path: Path, ingest: Ingest) -> None:
    old = write(tmp_path / "old.jsonl", [summarized(index) for index in range(300)])
    learned, before = ingest("jsonl", old, "learned", columns=COLUMNS)
    texts = {found.text for found in read_documents(learned, TRAIN)}
    new = write(tmp_path / "new.jsonl", [row for row in map(summarized, range(300)) if row["body"] in texts])
    told = rf"^no fresh example is left of {before[TRAIN]} records \({before[TRAIN]} known from training, 0 filtered, 0 quarantined\); expected"
    with pytest.raises(BadInput, match=told):
        ingest("jsonl", new, "fresh", columns=COLUMNS, learned=learned)


def test_a_corpus_of_fresh_examples_takes_over_no_forgotten_document(tmp_path: Path, ingest: Ingest) -> None:
    task = Classification(kind="classification")
    old = write(tmp_path / "old.jsonl", [labelled(index) for index in range(300)])
    learned, _ = ingest("jsonl", old, "learned", columns=COLUMNS, task=task, split=EVEN)
    gone = list(read_documents(learned, TRAIN))[5]
    entry = Tombstone(number=1, time=datetime(2026, 1, 1, tzinfo=UTC), person="ada", ids=(gone.id,))
    fresh = write(tmp_path / "fresh.jsonl", [labelled(index) for index in range(1000, 1100)])
    folder, counts = ingest("jsonl", fresh, "fresh", columns=COLUMNS, task=task, learned=learned, forgotten=Forgotten([entry]))
    assert list(read_documents(folder, TRAIN)) == [found for found in read_documents(learned, TRAIN) if found != gone]
    check_counts(folder, counts)
