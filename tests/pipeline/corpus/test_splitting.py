"""Splits: no key straddles, and no document moves when others join or leave. Each property is tried through whole ingestions."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import HELD_OUT, SPLITS, TEST, TRAIN, VALIDATION
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources.files import pin
from pipeline.tasks.classification.examples import Examples
from pipeline.tasks.classification.section import Classification
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.corpora import Ingest

    from pipeline.corpus.documents import Document

WORDS = ("lantern", "saddle", "garden", "anchor", "ledger", "harbour", "hollow", "engine")
TARGETS = ("bug", "ask", "praise")
COLUMNS = Columns(text="body", target="answer", group="author")


class Row(NamedTuple):
    """One record; small numbers, so that texts, answers and groups meet again."""

    word: int
    target: int | None
    group: int | None

    def record(self) -> dict[str, str | None]:
        return {
            "body": f"The {WORDS[self.word]}.",
            "answer": None if self.target is None else TARGETS[self.target],
            "author": None if self.group is None else f"group {self.group}",
        }


ROWS = st.lists(st.builds(Row, st.integers(0, 7), st.none() | st.integers(0, 2), st.none() | st.integers(0, 5)), min_size=1, max_size=24)
FILLER = [{"body": f"Filler of {first} and {second}.", "answer": f"{first} {second}", "author": None} for first, second in pairwise(WORDS)]
"""Without them, most corpora would have nothing to train on."""


class Summaries(WrittenExamples):
    """Takes any corpus, even one without answers."""

    def finish(self, folder: Path) -> dict[str, int]:
        return {}


class Labels(Examples):
    """Takes any corpus, even one of one class."""

    def finish(self, folder: Path) -> dict[str, int]:
        return {}


TASKS = {
    "written": lambda: Summaries(Summarization(kind="summarization")),
    "labels": lambda: Labels(Classification(kind="classification", labels=(*TARGETS, *(row["answer"] for row in FILLER)))),
}


def ingested(records: Sequence[dict[str, str | None]], task: str, by: str) -> dict[str, list[Document]]:
    """The documents of each split."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in [*records, *FILLER]))
        data = Data(
            source=Source(kind="jsonl", path=str(source), columns=COLUMNS),
            split=Split(salt="property", by=by, test=0.25, validation=0.2, held_out_groups=0.3),
            filter=Filter(min_chars=1, min_letters=0),
        )
        here = Settings(state=Path(folder) / "state", source_roots=(folder,))
        ingest_corpus(data, TASKS[task](), pin(data.source, here), Path(folder), here, SilentReporter())
        return {split: list(read_documents(Path(folder), split)) for split in SPLITS}


@pytest.mark.parametrize("by", ["auto", "input", "group"])
@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
@example(rows=[Row(0, 0, None), Row(0, 1, 3), Row(1, 0, 1), Row(1, None, None), Row(2, 0, 2)])
def test_no_key_is_on_both_sides(task: str, by: str, rows: list[Row]) -> None:
    found = ingested([row.record() for row in rows], task, by)
    examples = TASKS[task]()
    keys = {split: {key for document in found[split] for key in examples.split_keys(document)[:2] if key is not None} for split in SPLITS}
    for tested, trained in ((VALIDATION, TRAIN), (TEST, TRAIN), (HELD_OUT, TRAIN), (TEST, VALIDATION), (HELD_OUT, VALIDATION)):
        assert not keys[tested] & keys[trained]
    for documents in found.values():
        assert len({document.id for document in documents}) == len(documents)
    if by == "group":
        groups = {split: {document.group for document in found[split]} - {""} for split in SPLITS}
        assert sum(map(len, groups.values())) == len(set().union(*groups.values()))


@pytest.mark.parametrize("by", ["auto", "input", "group"])
@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40, deadline=None)
@given(rows=ROWS, kept=st.lists(st.booleans(), min_size=24, max_size=24))
def test_no_document_moves_when_others_join_or_leave(task: str, by: str, rows: list[Row], kept: list[bool]) -> None:
    some = [row.record() for row, stays in zip(rows, kept, strict=False) if stays]
    joined = [row.record() for row, stays in zip(rows, kept, strict=False) if not stays]
    before, after = ingested(some, task, by), ingested([row.record() for row in rows], task, by)
    places = [{split: {document.id for document in found[split]} for split in SPLITS} for found in (before, after)]
    assert places[0][TRAIN] <= places[1][TRAIN], "training lost a document"
    texts = {(row["body"], row["answer"]) for row in joined}
    for split in SPLITS:
        for document in after[split]:
            if (document.text, document.target) not in texts:
                assert document.id in places[0][split], f"{document} moved to {split}"


def test_a_held_out_group_that_joins_takes_nothing_from_training(tmp_path: Path, rows: list[dict[str, str]], ingest: Ingest) -> None:
    """The first of equal documents in the order of the source stays, but only within its split."""
    everything, _ = ingest("jsonl", write(tmp_path / "all.jsonl", rows), "all", split={"held_out_groups": 0.4})
    held_out = next(iter(read_documents(everything, HELD_OUT))).group
    copies = [{**row, "author": held_out} for row in rows]
    with_copies, counts = ingest("jsonl", write(tmp_path / "copies.jsonl", [*copies, *rows]), "copies", split={"held_out_groups": 0.4})
    for split in (TRAIN, VALIDATION, TEST):
        assert list(read_documents(with_copies, split)) == list(read_documents(everything, split))
    assert counts["filtered_known_answer"] > 0


def test_a_text_with_two_answers_is_dropped_or_kept_whole(
    tmp_path: Path, rows: list[dict[str, str]], ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    twice = [{**row, "summary": f"{word} of number {index}."} for index, row in enumerate(rows) for word in ("Summary", "Abstract")]
    source = write(tmp_path / "in.jsonl", twice)
    share = {"test": 0.3, "held_out_groups": 0}
    answers, counts = ingest("jsonl", source, "answers", split=share)
    inputs, counts_by_input = ingest("jsonl", source, "inputs", split={**share, "by": "input"})
    for folder in (answers, inputs):
        texts = {split: {document.text for document in read_documents(folder, split)} for split in SPLITS}
        assert not texts[TEST] & texts[TRAIN]
    assert counts["filtered_known_input"] > 100
    assert [record.message for record in caplog.records if re.match(r"test keeps \d+ documents and drops \d+", record.message)]
    assert counts_by_input["filtered"] == 0
    assert counts_by_input["test"] > 2 * counts["test"]


def write(path: Path, records: Sequence[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in records))
    return path
