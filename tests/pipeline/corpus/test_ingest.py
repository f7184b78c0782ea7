"""Ingestion as a whole: counts, splits, determinism, refusals."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from datasets import load_dataset
from pyarrow import parquet

from pipeline.corpus.contamination import find_contamination
from pipeline.corpus.counts import Miscounted, check_counts
from pipeline.corpus.normalise import comparison_key
from pipeline.corpus.read_corpus import read_documents, read_pairs, read_split
from pipeline.corpus.splitting import SPLITS
from pipeline.erasure.keys import text_key
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.errors import BadInput, Preempted, SourceChanged, Unavailable
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.sources.base import Pin, PinnedItem
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

    from pipeline.settings import Settings


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in sorted(folder.iterdir())}


def test_everything_that_was_read_is_accounted_for(tmp_path: Path, rows: list[dict[str, object]], lenient: Filter, ingest: Ingest) -> None:
    source = write(tmp_path / "in.jsonl", [*rows, rows[0], {**rows[1], "title": "another name"}, {**rows[2], "body": "short"}])
    with source.open("ab") as file:
        file.write(b'{"body": "caf\xe9"}\nnot json\n[1]\n{"summary": "No body at all."}\n\n')
    folder, counts = ingest("jsonl", source, filter=lenient)
    assert counts["read"] == 407
    assert (counts["kept"], counts["duplicate"], counts["filtered"], counts["quarantined"]) == (400, 2, 1, 4)
    check_counts(folder, counts)
    quarantined = [json.loads(line) for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    assert [(row["reason"], row["where"]) for row in quarantined] == [
        ("not UTF-8", "in.jsonl:404"),
        ("not JSON", "in.jsonl:405"),
        ("not a JSON object", "in.jsonl:406"),
        ("no field 'body'", "in.jsonl:407"),
    ]
    assert "caf\\xe9" in quarantined[0]["excerpt"]


def test_two_runs_give_the_same_bytes(jsonl: Path, ingest: Ingest) -> None:
    assert content(ingest("jsonl", jsonl, "one")[0]) == content(ingest("jsonl", jsonl, "two")[0])


def test_shards_are_bounded_and_read_back_in_order(jsonl: Path, rows: list[dict[str, str]], ingest: Ingest) -> None:
    whole, _ = ingest("jsonl", jsonl, "whole", split={"held_out_groups": 0})
    order = {row["body"]: index for index, row in enumerate(rows)}
    places = [order[document.text] for document in read_documents(whole, "train")]
    assert places == sorted(places)
    assert read_split(whole, "train").num_rows == len(places)
    assert read_split(whole, "train", ["target", "id"]).column_names == ["target", "id"]
    assert read_split(whole, "held_out").num_rows == 0


def test_datasets_can_load_the_shards(jsonl: Path, tmp_path: Path, ingest: Ingest) -> None:
    folder, counts = ingest("jsonl", jsonl)
    loaded = load_dataset(
        "parquet", data_files={split: str(folder / f"{split}-*.parquet") for split in ("train", "test")}, cache_dir=str(tmp_path / "cache")
    )
    assert {split: loaded[split].num_rows for split in ("train", "test")} == {split: counts[split] for split in ("train", "test")}
    assert loaded["train"].column_names == ["id", "group", "name", "text", "pair", "target"]


def test_a_document_stays_in_its_split_when_others_come_and_go(tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest) -> None:
    def places(chosen: list[dict[str, object]], name: str) -> dict[str, str]:
        folder, _ = ingest("jsonl", write(tmp_path / f"{name}.jsonl", chosen), name)
        return {document.id: split for split in SPLITS for document in read_documents(folder, split)}

    everything, half = places(rows, "all"), places(rows[::2], "half")
    assert half
    assert half.items() <= everything.items()


def test_answers_that_look_the_same_never_straddle_what_is_trained_and_what_is_tested(
    tmp_path: Path, rows: list[dict[str, str]], ingest: Ingest
) -> None:
    """Each summary stands there three times: as it is, in another spelling in another group, and as a text by itself."""
    variants: list[dict[str, object]] = []
    for index, row in enumerate(rows):
        twin = {
            **row,
            "body": row["body"] + " Twice.",
            "summary": f"  SUMMARY: of the number -- {index}!",
            "author": f"author {index % 19}",
        }
        alone = {"body": row["summary"], "summary": None, "title": "x", "author": f"author {index % 17}"}
        variants += [dict(row), dict(twin), dict(alone)]
    folder, counts = ingest("jsonl", write(tmp_path / "in.jsonl", variants), split={"test": 0.2, "held_out_groups": 0.3})
    answers = {split: {comparison_key(found.target or found.text) for found in read_documents(folder, split)} for split in SPLITS}
    assert answers["test"]
    assert answers["held_out"]
    for tested in ("test", "held_out"):
        for trained in ("train", "validation"):
            assert not answers[tested] & answers[trained]
    assert counts["filtered_known_answer"] > 0
    groups = {split: {found.group for found in read_documents(folder, split)} for split in SPLITS}
    assert not groups["held_out"] & (groups["train"] | groups["validation"] | groups["test"])


def test_too_much_unreadable_stops_and_names_the_cause(tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest) -> None:
    source = write(tmp_path / "in.jsonl", rows)
    source.write_bytes(source.read_bytes() + b"broken\n" * 20)
    with pytest.raises(BadInput, match=r"20 of 420 records could not be read: 20 times not JSON \(first at in.jsonl:401\)"):
        ingest("jsonl", source)


def test_a_column_no_row_has_gets_the_near_name(jsonl: Path, ingest: Ingest) -> None:
    with pytest.raises(BadInput, match=r"unknown field.*'sumary'; expected.*did you mean 'summary'"):
        ingest("jsonl", jsonl, columns=Columns(text="body", target="sumary"))


def test_nothing_left_to_train_on_is_refused(jsonl: Path, ingest: Ingest) -> None:
    with pytest.raises(BadInput, match="left of 400 records"):
        ingest("jsonl", jsonl, filter=Filter(min_chars=10_000, max_chars=20_000))
    with pytest.raises(BadInput, match="no record has a usable target; expected targets of 1 to 1 characters"):
        ingest("jsonl", jsonl, "targets", task=Summarization(kind="summarization", max_target_chars=1))


def test_a_target_out_of_bounds_leaves_the_text(tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest) -> None:
    folder, counts = ingest(
        "jsonl", write(tmp_path / "in.jsonl", [*rows, {**rows[0], "body": "A text with a poor summary.", "summary": "Short."}])
    )
    assert counts["kept"] == 401
    assert sum(counts[f"pairs_{split}"] for split in SPLITS) == 400
    assert sum(len(read_pairs(folder, split)) for split in SPLITS) == 400


def test_a_source_that_changed_since_it_was_pinned_is_not_read(jsonl: Path, tmp_path: Path, folder_settings: Settings) -> None:
    from pipeline.corpus.ingest import ingest_corpus

    pin = Pin(kind="jsonl", items=(PinnedItem(name=str(jsonl), revision="sha256:" + "0" * 64, size=1),))
    data = Data(source=Source(kind="jsonl"), split=Split(salt="s"))
    with pytest.raises(Unavailable, match="changed since it was planned"):
        ingest_corpus(data, WrittenExamples(Summarization(kind="summarization")), pin, tmp_path, folder_settings, SilentReporter())


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_file_that_is_written_to_while_it_is_read_is_no_corpus(
    kind: str, tmp_path: Path, rows: list[dict[str, str]], ingest: Ingest
) -> None:
    place = tmp_path / f"in.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), place)
    else:
        head = "body,summary,title,author\n" if kind == "csv" else ""
        place.write_text(head + "".join((",".join(row.values()) if kind == "csv" else json.dumps(row)) + "\n" for row in rows))

    class Writing(SilentReporter):
        """Writes when the first bytes have been read."""

        def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
            if done or kind == "parquet":
                with place.open("a") as file:
                    file.write("\n")

    with pytest.raises(SourceChanged, match=rf"in\.{kind} changed since it was planned .*; fix: run the recipe when nothing writes to it"):
        ingest(kind, place, reporter=Writing())


def test_a_source_says_what_was_read_and_what_was_left_out(
    tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data" / "_temporary").mkdir(parents=True)
    write(tmp_path / "data" / "in.jsonl", rows)
    write(tmp_path / "data" / "_temporary" / "part.jsonl", rows)
    (tmp_path / "data" / "notes.pdf").write_text("x")
    with caplog.at_level("INFO"):
        _, counts = ingest("jsonl", tmp_path / "data")
    assert (counts["left_out_working"], counts["left_out_other_format"]) == (1, 1)
    assert [record.getMessage() for record in caplog.records if record.name == "pipeline.corpus.ingest"] == [
        "400 records read = 400 kept + 0 duplicate + 0 filtered + 0 quarantined",
        "files not read: working: 1 (_temporary/part.jsonl), other_format: 1 (notes.pdf)",
    ]


@pytest.mark.parametrize(
    ("bad", "fix"),
    [
        (10, r"fix: correct the source, or raise data\.filter\.max_quarantined to 0\.025 to leave them out"),
        (300, r"fix: correct the source$"),
    ],
)
def test_raising_the_limit_is_advice_only_for_few_records(
    bad: int, fix: str, tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest
) -> None:
    source = write(tmp_path / "in.jsonl", rows)
    source.write_bytes(source.read_bytes() + b"broken\n" * bad)
    with pytest.raises(BadInput, match=fix):
        ingest("jsonl", source)


def test_a_share_of_damage_is_told_with_its_causes_and_places(tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest) -> None:
    source = write(tmp_path / "in.jsonl", rows)
    source.write_bytes(source.read_bytes() + b'broken\n{"body": 5}\nbroken\n{"summary": "No body."}\n\xff\n' * 3)
    with pytest.raises(BadInput) as caught:
        ingest("jsonl", source)
    assert str(caught.value) == (
        "15 of 415 records could not be read: 6 times not JSON (first at in.jsonl:401), 3 times field 'body' is not text (first at in.jsonl:402), "
        "3 times no field 'body' (first at in.jsonl:404), 3 times other reasons; expected at most 1.0%; "
        "fix: correct the source, or raise data.filter.max_quarantined to 0.037 to leave them out"
    )


def test_told_to_stop_it_stops(tmp_path: Path, rows: list[dict[str, object]], ingest: Ingest) -> None:
    class Stopping(SilentReporter):
        def stopping(self) -> bool:
            return True

    with pytest.raises(Preempted):
        ingest("jsonl", write(tmp_path / "in.jsonl", rows * 3), reporter=Stopping())


def test_counts_that_disagree_are_a_bug_of_ours(jsonl: Path, ingest: Ingest) -> None:
    folder, counts = ingest("jsonl", jsonl)
    for name in ("read", "kept", "duplicate", "train"):
        with pytest.raises(Miscounted) as caught:
            check_counts(folder, {**counts, name: counts[name] + 1})
        assert caught.value.exit_code == 1
    next(folder.glob("test-*.parquet")).unlink()
    with pytest.raises(Miscounted, match="0 documents in the shards of test"):
        check_counts(folder, counts)


def test_near_copies_of_training_leave_the_other_splits_and_training_stays_as_it_is(tmp_path: Path, ingest: Ingest) -> None:
    """Each text twice, with another second half of its last sentence and another summary: half of the test texts have a twin in training."""
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(2000)]
    bodies = [" ".join(draw.choices(words, k=60)) for _ in range(300)]
    variants: list[dict[str, object]] = [
        {"body": f"{body} {end}", "summary": f"{end} {number}", "title": f"{end}{number}", "author": f"a{number % 20}"}
        for number, body in enumerate(bodies)
        for end in ("Some end.", "Others close.")
    ]
    source = write(tmp_path / "in.jsonl", variants)
    split = {"test": 0.3, "validation": 0.1, "held_out_groups": 0.1}
    kept, before = ingest("jsonl", source, "kept", split=split)
    dropped, after = ingest("jsonl", source, "dropped", split={**split, "near_copies": "drop"})
    assert {name: data for name, data in content(kept).items() if name.startswith("train")} == {
        name: data for name, data in content(dropped).items() if name.startswith("train")
    }
    assert after["filtered_near_copy"] == sum(before[name] - after[name] for name in ("validation", "test", "held_out")) > 100
    check_counts(dropped, after)
    trained = {found.text[:300] for found in read_documents(dropped, "train")}
    for name in ("validation", "test"):
        assert any(found.text[:300] in trained for found in read_documents(kept, name))
        assert not any(found.text[:300] in trained for found in read_documents(dropped, name))
    assert find_contamination(list(read_documents(kept, "test")), read_documents(kept, "train")).near > 50
    assert find_contamination(list(read_documents(dropped, "test")), read_documents(dropped, "train")).near == 0


def test_forgotten_documents_are_left_out_before_duplicates_are(jsonl: Path, rows: list[dict[str, str]], ingest: Ingest) -> None:
    with jsonl.open("a") as file:
        file.write(json.dumps({**rows[7], "title": "again"}) + "\n" + json.dumps({**rows[8], "summary": "Another summary of it."}) + "\n")
    folder, _ = ingest("jsonl", jsonl)
    seventh = next(found for split in SPLITS for found in read_documents(folder, split) if found.text == rows[7]["body"])
    entry = Tombstone(
        number=3, time=datetime(2026, 1, 1, tzinfo=UTC), person="ada", ids=(seventh.id,), texts=(text_key(rows[8]["body"].upper()),)
    )
    without, counts = ingest("jsonl", jsonl, "without", forgotten=Forgotten([entry]))
    left = {found.text for split in SPLITS for found in read_documents(without, split)}
    assert not left & {rows[7]["body"], rows[8]["body"]}
    assert counts["filtered_forgotten"] == 4
    assert counts["read"] == 402
