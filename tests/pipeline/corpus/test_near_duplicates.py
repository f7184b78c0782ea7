"""Near duplicates: planted ones are found and others are not, and no cluster is in two splits."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.documents import document
from fixtures.near_texts import edited, resemblance, signatures, vocabulary

from pipeline.corpus import signature_planes
from pipeline.corpus.near_duplicates import dropped_of_clusters, find_clusters, rows_of_a_band
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.signatures import PLACES, sign
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN
from pipeline.recipe.deduplication import Deduplication

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

DRAW = random.Random(8)
WORDS = vocabulary(DRAW)


@pytest.mark.parametrize("in_memory", [0, signature_planes.IN_MEMORY])
def test_the_estimate_is_near_the_resemblance(in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature_planes, "IN_MEMORY", in_memory)
    texts = [" ".join(DRAW.choices(WORDS, k=DRAW.randint(60, 400))) for _ in range(300)]
    others = [edited(text, DRAW.randint(0, 20), DRAW, WORDS) for text in texts]
    places = np.arange(len(texts))
    found = signatures(texts + others, tmp_path).resemblance(np.stack((places, len(texts) + places), axis=1))
    truth = np.array([resemblance(one, other) for one, other in zip(texts, others, strict=True)])
    assert truth.min() < 0.3
    assert np.abs(found - truth).mean() < 0.04
    assert np.abs(found - truth).max() < 0.2


@pytest.mark.parametrize("near", [0.6, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("in_memory", [0, signature_planes.IN_MEMORY])
def test_recall_and_precision_on_planted_pairs(near: float, in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs well above the threshold are found, pairs well below are not; unrelated texts fill the corpus."""
    monkeypatch.setattr(signature_planes, "IN_MEMORY", in_memory)
    draw = random.Random(int(100 * near))
    texts, pairs = [], []
    for _ in range(1500):
        text = " ".join(draw.choices(WORDS, k=draw.randint(40, 300)))
        other = edited(text, draw.randint(0, 1 + len(text.split()) // 12), draw, WORDS)
        pairs.append((len(texts), len(texts) + 1, resemblance(text, other)))
        texts += [text, other]
    texts += [" ".join(draw.choices(WORDS, k=100)) for _ in range(2000)]
    clusters = find_clusters(signatures(texts, tmp_path), near)
    joined = {(one, other) for one, other, _ in pairs if clusters[one] == clusters[other]}
    similar = {(one, other) for one, other, share in pairs if share >= min(1, near + 0.05)}
    different = {(one, other) for one, other, share in pairs if share < near - 0.05}
    assert min(len(similar), len(different)) > 100
    assert len(similar & joined) / len(similar) >= 0.95
    assert len(joined - different) / len(joined) >= 0.95
    # nothing else is joined: a cluster is a planted pair
    assert np.bincount(clusters).max() == 2
    assert sum(np.bincount(clusters) == 2) == len(joined)


def test_signatures_ignore_case_and_punctuation_and_short_texts_have_none(tmp_path: Path) -> None:
    text = " ".join(WORDS[:30])
    one, two, short = sign(
        [document(1, text=text), document(2, text=text.upper().replace(" ", ", ")), document(3, text=" ".join(WORDS[:11]))]
    )
    assert one == two
    assert short is None
    assert sign([]) == []
    assert find_clusters(signatures([], tmp_path), 0.8).tolist() == []


def test_bands_find_nearly_all_pairs_at_the_threshold() -> None:
    for near in (0.6, 0.7, 0.8, 0.9, 1.0):
        rows = rows_of_a_band(near)
        assert 1 - (1 - near**rows) ** (PLACES // rows) >= 0.99


def test_a_cluster_stays_in_one_split() -> None:
    clusters = np.array([0, 0, 0, 3, 3, 5, 5, 7])
    splits = np.array([2, 0, 0, 3, 2, 1, 1, 3], np.int8)
    assert dropped_of_clusters(clusters, splits, keep_all=False).tolist() == [True, False, True, True, False, False, True, False]
    assert dropped_of_clusters(clusters, splits, keep_all=True).tolist() == [True, False, False, True, False, False, False, False]


@pytest.mark.parametrize("keep", ["first", "all"])
def test_no_cluster_straddles_and_training_loses_nothing_to_other_splits(keep: str, tmp_path: Path, ingest: Ingest) -> None:
    draw = random.Random(3)
    bodies = [" ".join(draw.choices(WORDS, k=60)) for _ in range(300)]
    rows = [
        {"body": f"{body} {end}", "summary": f"{end} {number}.", "title": "x", "author": f"a{number % 20}"}
        for number, body in enumerate(bodies)
        for end in ("Some end here.", "Others close it.", "Third")
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    split = {"test": 0.3, "validation": 0.1, "held_out_groups": 0.1}
    before, without = ingest("jsonl", source, "before", split=split)
    after, counts = ingest("jsonl", source, "after", split=split, deduplication=Deduplication(near=0.8, keep=keep))
    lost = {name: without[name] - counts[name] for name in SPLITS}
    assert lost == {name: counts[f"near_duplicates_{name}"] for name in SPLITS}
    assert sum(lost.values()) == counts["filtered_near_duplicate"] > 100
    assert (lost[TRAIN] == 0) is (keep == "all")
    texts = {name: {found.text[:300] for found in read_documents(after, name)} for name in SPLITS}
    for number, one in enumerate(SPLITS):
        for other in SPLITS[number + 1 :]:
            assert not texts[one] & texts[other]
    for name in SPLITS:
        kept, all_of_it = ([found.id for found in read_documents(folder, name)] for folder in (after, before))
        assert set(kept) <= set(all_of_it), "a document moved"
        if keep == "first":
            assert len(texts[name]) == len(kept)
    assert texts[TRAIN] == {found.text[:300] for found in read_documents(before, TRAIN)}


def test_fresh_examples_that_resemble_what_was_learned_are_left_out(tmp_path: Path, ingest: Ingest) -> None:
    draw = random.Random(3)
    bodies = [" ".join(draw.choices(WORDS, k=60)) for _ in range(60)]

    def write(name: str, end: str, chosen: list[str]) -> Path:
        rows = [{"body": f"{body} {end}", "summary": f"{end} {body[:40]}.", "title": "x", "author": "a"} for body in chosen]
        place = tmp_path / name
        place.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return place

    rules = Deduplication()
    learned, before = ingest("jsonl", write("old.jsonl", "One end.", bodies[:40]), "learned", deduplication=rules)
    fresh, counts = ingest("jsonl", write("new.jsonl", "Another end.", bodies), "fresh", deduplication=rules, learned=learned)
    seen = before[TRAIN] + before["validation"]
    assert counts["near_duplicates_test"] == seen
    assert counts[TEST] == 60 - seen
    assert {found.text[:200] for found in read_documents(fresh, TEST)} == {
        body[:200]
        for body in bodies
        if body[:200] not in {found.text[:200] for split in (TRAIN, "validation") for found in read_documents(learned, split)}
    }
