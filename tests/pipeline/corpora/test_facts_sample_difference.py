"""What a corpus holds, how two differ, and which documents a sample has."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from fixtures.stored_corpora import CLASSES, rows, store_corpus

from pipeline.artifacts import open_artifacts
from pipeline.corpora import shards
from pipeline.corpora.difference import compare_corpora
from pipeline.corpora.facts import read_facts
from pipeline.corpora.frequent import Frequent
from pipeline.corpora.sample import Wanted, choose
from pipeline.corpus import LABELS, splitting
from pipeline.corpus.quarantine import FILE
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest


@pytest.fixture
def opened(folder_settings, tmp_path):
    def make(records, run="mails-20260101-000000-0000") -> tuple[Manifest, Path]:
        made = store_corpus(folder_settings, tmp_path, records, run)
        return made, open_artifacts(folder_settings).open(made, tmp_path / f"opened-{run}")

    return make


def test_the_names_are_those_that_ingestion_writes() -> None:
    assert (shards.SPLITS, shards.LABELS, shards.QUARANTINE) == (splitting.SPLITS, LABELS, FILE)


def test_the_facts_are_those_of_the_documents(opened) -> None:
    made, folder = opened(rows())
    facts = read_facts(folder)
    documents = {split: list(read_documents(folder, split)) for split in shards.SPLITS}
    assert facts.documents == made.counts["kept"] == sum(map(len, documents.values()))
    for split, found in facts.splits.items():
        lengths = sorted(len(one.text) for one in documents[split])
        assert found.documents == made.counts[split]
        assert found.lengths.mean == pytest.approx(sum(lengths) / len(lengths))
        assert found.lengths.quantile(0.5) == lengths[(len(lengths) - 1) // 2]
        assert found.classes == Counter(one.target for one in documents[split])
    assert set(facts.classes) == set(CLASSES)
    assert facts.group_count == 10
    assert dict(facts.words)["message"] == made.counts["train"]


def test_frequent_values_survive_when_memory_is_bounded() -> None:
    counter = Frequent(kept=100)
    for index in range(5000):
        counter.add(["often", f"once {index}"])
    assert counter.most(1) == [("often", 5000)]
    assert len(counter.counts) <= 100


def test_a_difference_is_exact_however_many_parts_it_is_read_in(opened) -> None:
    _, before = opened(rows(300))
    _, after = opened([*rows(280), *rows(30, first=1000)], "mails-20260102-000000-0000")
    ids = [{split: {one.id for one in read_documents(folder, split)} for split in shards.SPLITS} for folder in (before, after)]
    for part in (1_000_000, 10):
        found = compare_corpora(before, after, 310, part)
        for split in shards.SPLITS:
            assert found.added[split] == len(ids[1][split] - ids[0][split])
            assert found.removed[split] == len(ids[0][split] - ids[1][split])
            assert found.kept[split] == len(ids[0][split] & ids[1][split])
        assert found.added.total() == 30
        assert found.removed.total() == 20
        assert {one for _, one in found.removed_ids} <= set.union(*ids[0].values()) - set.union(*ids[1].values())


def test_a_document_that_changes_its_split_is_counted_as_moved(opened, tmp_path) -> None:
    _, before = opened(rows(300))
    after = tmp_path / "after"
    after.mkdir()
    for shard in before.glob("*.parquet"):
        name = {"train": "test", "test": "train"}.get(shard.name.partition("-")[0])
        (after / (f"{name}-00000.parquet" if name else shard.name)).write_bytes(shard.read_bytes())
    found = compare_corpora(before, after, 300)
    assert found.moved == found.added.total() == found.removed.total() > 200


def test_a_sample_depends_on_its_seed_and_not_on_the_shards(opened) -> None:
    _, folder = opened(rows())
    first, again, other = (choose(folder, Wanted(), 7, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(first) == 7
    (only,) = choose(folder, Wanted(ids=frozenset([first[3].id[:10]])), 5)
    assert only == first[3]


def test_a_sample_has_only_what_was_asked_for(opened) -> None:
    _, folder = opened(rows())
    assert {one.split for one in choose(folder, Wanted(splits=("test",)), 300)} == {"test"}
    assert {one.target for one in choose(folder, Wanted(label="bug"), 300)} == {"bug"}
    assert {one.group for one in choose(folder, Wanted(group="author 3"), 300)} == {"author 3"}
    (found,) = choose(folder, Wanted(word="MESSAGE NUMBER 17"), 300)
    assert "number 17 " in found.text  # and not 170


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(splits=("tset",)), "did you mean 'test'?"),
        (Wanted(label="bugs"), "did you mean 'bug'?"),
        (Wanted(group="autor 3"), "did you mean 'author 3'?"),
    ],
)
def test_a_wrong_name_gets_the_near_one(opened, wanted, said) -> None:
    _, folder = opened(rows())
    with pytest.raises(BadInput, match=said.replace("?", r"\?")):
        choose(folder, wanted, 5)


def test_classes_are_read_from_lists_too() -> None:
    assert shards.classes_of(json.dumps(["a", "b"])) == ["a", "b"]
    assert shards.classes_of("[not json") == ["[not json"]
