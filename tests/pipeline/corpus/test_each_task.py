"""Ingestion for each kind of task: records with labels, pairs, lists and messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.errors import BadInput
from pipeline.recipe import Columns, Filter
from pipeline.tasks.chat.section import Chat
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.tagging.section import Tagging

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

    from pipeline.corpus.documents import Document

LABELS = Columns(text="body", target="label")
EVEN = {"test": 0.2, "validation": 0.2, "held_out_groups": 0}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def documents(folder: Path) -> list[Document]:
    return [found for split in SPLITS for found in read_documents(folder, split)]


@pytest.mark.parametrize("names", [("bug", "ask", "praise"), (0, 1, 2), (True, False)])
def test_every_class_is_in_every_split_in_its_share(tmp_path: Path, names: tuple[Any, ...], ingest: Ingest) -> None:
    rows = [{"body": f"This is the text of number {index}.", "label": names[index % len(names)]} for index in range(600)]
    folder, counts = ingest(
        "jsonl", write(tmp_path / "in.jsonl", rows), columns=LABELS, task=Classification(kind="classification"), split=EVEN
    )
    assert json.loads((folder / "labels.json").read_text()) == sorted(json.dumps(name).strip('"') for name in names)
    assert {counts[f"missing_classes_{split}"] for split in (TRAIN, VALIDATION, TEST)} == {0}
    for split in (TRAIN, VALIDATION, TEST):
        found = [document.target for document in read_documents(folder, split)]
        assert min(found.count(label) for label in set(found)) > 0.6 * len(found) / len(names)


def test_a_pair_is_stored_beside_its_text(tmp_path: Path, ingest: Ingest) -> None:
    rows = [{"body": f"A premise {index}.", "other": f"A hypothesis {index}.", "label": index % 2} for index in range(200)]
    columns = Columns(text="body", pair="other", target="label")
    lenient = Filter(min_chars=5, max_quarantined=0.1)
    source = write(tmp_path / "in.jsonl", [*rows, {"body": "A premise alone.", "label": 1}])
    folder, counts = ingest("jsonl", source, columns=columns, task=Classification(kind="classification"), filter=lenient)
    assert (counts["kept"], counts["quarantined"]) == (200, 1)
    assert "no field 'other'" in (folder / "quarantine.jsonl").read_text()
    assert {(found.text, found.pair) for found in documents(folder)} == {(row["body"], row["other"]) for row in rows}


def test_labels_outside_the_recipe_stop_with_the_near_name(tmp_path: Path, ingest: Ingest) -> None:
    rows = [{"body": f"This is the text of number {index}.", "label": ["bug", "prase"][index % 2]} for index in range(40)]
    with pytest.raises(
        BadInput, match=r"20 of 40 records .*20 times unknown label 'prase' \(did you mean 'praise'\?\) \(first at in.jsonl:2"
    ):
        ingest(
            "jsonl",
            write(tmp_path / "in.jsonl", rows),
            columns=LABELS,
            task=Classification(kind="classification", labels=("bug", "praise")),
        )


def test_a_column_of_lists_in_parquet_holds_labels(tmp_path: Path, ingest: Ingest) -> None:
    labels = [["ä"], ["b", "ä"], [], None]
    table = {"body": [f"This is the text of number {index}." for index in range(80)], "label": [labels[index % 4] for index in range(80)]}
    parquet.write_table(pa.table(table), tmp_path / "in.parquet")
    folder, counts = ingest(
        "parquet", tmp_path / "in.parquet", columns=LABELS, task=Classification(kind="classification", answer="labels"), split=EVEN
    )
    assert (counts["kept"], counts["quarantined"], counts["classes"]) == (80, 0, 2)
    assert {found.target for found in documents(folder)} == {'["ä"]', '["b", "ä"]', "[]", None}


def test_numbers_are_read_from_csv(tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "in.csv").write_text("body,label\n" + "".join(f"This is the text of number {n}.,{n / 4}\n" for n in range(80)))
    folder, counts = ingest("csv", tmp_path / "in.csv", columns=LABELS, task=Classification(kind="classification", answer="number"))
    assert counts["kept"] == 80
    assert sorted(float(found.target or "nan") for found in documents(folder)) == [n / 4 for n in range(80)]


def test_a_corpus_of_tokens_is_ingested(tmp_path: Path, ingest: Ingest) -> None:
    rows = [{"words": [f"word{index}", "of", "Paris"], "tags": ["O", "O", "B-LOC"]} for index in range(60)]
    source = write(tmp_path / "in.jsonl", [*rows, {"words": "not a list", "tags": ["O"]}])
    columns, rules = Columns(text="words", target="tags"), Filter(min_chars=5, max_quarantined=0.1)
    folder, counts = ingest("jsonl", source, columns=columns, task=Tagging(kind="tagging"), filter=rules)
    assert (counts["kept"], counts["quarantined"], counts["classes"]) == (60, 1, 2)
    assert json.loads((folder / "labels.json").read_text()) == ["B-LOC", "O"]


def test_conversations_are_ingested(tmp_path: Path, ingest: Ingest) -> None:
    answer = {"role": "assistant", "content": "That is a good question."}
    rows = [{"messages": [{"role": "user", "content": f"What is {index}?"}, answer]} for index in range(60)]
    source = write(tmp_path / "in.jsonl", [*rows, {"messages": []}])
    columns, rules = Columns(text="messages", target="messages"), Filter(min_chars=5, max_quarantined=0.1)
    folder, counts = ingest("jsonl", source, columns=columns, task=Chat(kind="chat"), filter=rules)
    assert (counts["kept"], counts["quarantined"]) == (60, 1)
    assert {found.text.partition(":")[0] for found in documents(folder)} == {"user"}


def test_a_list_is_no_text_for_other_tasks(tmp_path: Path, ingest: Ingest) -> None:
    rows = [{"body": [f"word{index}"], "label": index % 2} for index in range(10)]
    with pytest.raises(BadInput, match=r"10 of 10 records could not be read: 10 times the text is a list \(first at in\.jsonl:1\)"):
        ingest("jsonl", write(tmp_path / "in.jsonl", rows), columns=LABELS, task=Classification(kind="classification"))
