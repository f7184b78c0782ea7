"""Several sources in one corpus: pins, chunks, duplicates between them, caps, and what is counted of each."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpora.of_sources import OfSource, of_sources
from pipeline.corpora.source_shards import sources_of_shards
from pipeline.corpus import chunks, cleaned_chunks
from pipeline.corpus.choose_by_source import Cap, Origins, choose
from pipeline.corpus.chunk_files import KEY_SCHEMA
from pipeline.corpus.counts import check_counts
from pipeline.corpus.decide import FILTERED, KEPT, KnownKeys, decide, drop_known
from pipeline.corpus.ingest import NOTHING_KEPT, Kept, ingest_corpus
from pipeline.corpus.key_columns import KeyColumns
from pipeline.corpus.quarantine import FILE
from pipeline.errors import BadInput
from pipeline.recipe import Data, Split
from pipeline.reporter import SilentReporter
from pipeline.starts.pin import pin_source
from pipeline.tasks.language_model.examples import Examples
from pipeline.tasks.language_model.section import LanguageModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.settings import Settings

WORDS = ("lantern", "saddle", "garden", "anchor", "ledger", "harbour", "hollow", "engine", "river", "copper")
SPLIT = {"salt": "several", "test": 0.2, "validation": 0.1, "held_out_groups": 0.0}


def text(key: int) -> str:
    return f"Text {key}: " + " ".join(random.Random(key).choices(WORDS, k=20))


def write_jsonl(folder: Path, keys: range, files: int = 4) -> str:
    folder.mkdir(exist_ok=True)
    for number in range(files):
        rows = [json.dumps({"body": text(key)}) for key in keys[number::files]]
        (folder / f"part-{number}.jsonl").write_text("\n".join(rows) + "\n")
    return str(folder)


def write_csv(folder: Path, keys: range, files: int = 3) -> str:
    folder.mkdir(exist_ok=True)
    for number in range(files):
        rows = [f'{key},"{text(key)}"' for key in keys[number::files]]
        (folder / f"part-{number}.csv").write_text("\n".join(["number,words", *rows]) + "\n")
    return str(folder)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 12_000)


@pytest.fixture
def two(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Two sources of different kinds: 400 and 300 texts, 100 of which both have."""
    return {
        "web": {"kind": "jsonl", "path": write_jsonl(tmp_path / "web", range(400)), "columns": {"text": "body"}},
        "books": {"kind": "csv", "path": write_csv(tmp_path / "books", range(300, 600)), "columns": {"text": "words"}},
    }


@pytest.fixture
def make(tmp_path: Path, folder_settings: Settings) -> Callable[..., tuple[Path, dict[str, int]]]:
    """Ingest sources, given by name: the folder of the corpus, and its counts."""
    made = 0

    def run(sources: dict[str, dict[str, Any]] | None = None, kept: Kept[Any] = NOTHING_KEPT, **data: Any) -> tuple[Path, dict[str, int]]:
        nonlocal made
        made += 1
        output = tmp_path / f"corpus-{made}"
        output.mkdir()
        wanted = Data(**{"sources": sources, "split": SPLIT, "filter": {"max_quarantined": 0.1}, "shard_mb": 1, **data})
        pin, examples = pin_source(wanted.origin, folder_settings), Examples(LanguageModel(kind="language_model"))
        counts = ingest_corpus(wanted, examples, pin, output, folder_settings, SilentReporter(), kept=kept)
        check_counts(output, counts)
        assert len(of_sources(counts)) == len(sources or ())
        return output, counts

    return run


def named(counts: dict[str, int], name: str) -> OfSource:
    return next(found for found in of_sources(counts) if found.name == name)


def texts(corpus: Path, splits: str = "*") -> dict[str, str]:
    """Id → name of the source of its shard."""
    sources = sources_of_shards(corpus)
    return {
        one: sources[shard.name]
        for shard in sorted(corpus.glob(f"{splits}-*.parquet"))
        for one in parquet.read_table(shard, columns=["id"])["id"].to_pylist()
    }


def splits(corpus: Path) -> dict[str, str]:
    return {one: split for split in ("train", "validation", "test") for one in texts(corpus, split)}


def test_of_equal_documents_the_first_source_keeps_its_own(make, two) -> None:
    corpus, counts = make(two)
    assert counts["read"] == 700
    assert counts["duplicate"] == 100
    of_source = of_sources(counts)
    assert [(found.name, found.documents, found.duplicate) for found in of_source] == [("books", 200, 100), ("web", 400, 0)]
    found = texts(corpus)
    assert sorted(found.values()) == ["books"] * 200 + ["web"] * 400
    lengths = [len(one) for shard in corpus.glob("*.parquet") for one in parquet.read_table(shard)["text"].to_pylist()]
    assert sum(found.characters for found in of_source) == sum(lengths)
    assert sum(found.share for found in of_source) == pytest.approx(1)
    for name in ("read", "duplicate", "filtered", "quarantined"):
        assert sum(getattr(found, name) for found in of_source) == counts[name]
    other, turned = make(dict(reversed(two.items())))
    assert [found.documents for found in of_sources(turned)] == [300, 300]
    assert splits(other) == splits(corpus)


def test_the_sources_alone_make_the_same_documents(make, two) -> None:
    corpus, _ = make(two)
    for name, source in two.items():
        alone, _ = make(None, source=source)
        assert not (alone / "sources.json").exists()
        own = {
            one: shard.name.partition("-")[0]
            for shard in alone.glob("*.parquet")
            for one in parquet.read_table(shard, columns=["id"])["id"].to_pylist()
        }
        shared = {one: split for one, split in splits(corpus).items() if texts(corpus)[one] == name}
        assert shared.items() <= own.items()


def test_a_cap_keeps_a_share_that_hardly_moves(make, two) -> None:
    whole, _ = make(two)
    capped = {**two, "web": {**two["web"], "max_documents": 90}}
    corpus, counts = make(capped)
    found = texts(corpus)
    web = {one for one, source in found.items() if source == "web"}
    assert len(web) == named(counts, "web").documents == 90
    # what the cap leaves out of the first source, the second one may have
    assert named(counts, "books").documents > 200
    assert counts["filtered_over_cap"] == 310
    assert splits(corpus).items() <= splits(whole).items()
    assert 10 < sum(split == "test" for one, split in splits(corpus).items() if one in web) < 30
    # a tenth more data replaces about a tenth of it
    write_jsonl(tmp := (whole.parent / "more"), range(1000, 1040), files=1)
    for place in (whole.parent / "web").iterdir():
        (tmp / f"old-{place.name}").write_bytes(place.read_bytes())
    more = {**capped, "web": {**capped["web"], "path": str(tmp)}}
    again = {one for one, source in texts(make(more)[0]).items() if source == "web"}
    assert len(again) == 90
    assert 70 < len(web & again) < 90


def test_a_cap_of_characters_is_never_exceeded(make, two) -> None:
    capped = {**two, "books": {**two["books"], "max_characters": 5000}}
    _, counts = make(capped)
    found = named(counts, "books")
    assert 4700 < found.characters <= 5000
    assert counts["filtered_over_cap"] == found.filtered == 200 - found.documents


def test_what_a_cap_leaves_out_is_no_training_that_a_test_document_could_know(tmp_path: Path) -> None:
    train, test, shared = b"\xff" * 12, b"\x00" * 12, b"k" * 12
    rows = [
        {"id": b"1" * 12, "decides": train, "also": None},
        {"id": b"2" * 12, "decides": train, "also": shared},
        {"id": b"3" * 12, "decides": test, "also": shared},
    ]
    plain = {
        "group": "",
        "input_is_also": False,
        "reasons": "known_answer,known_input",
        "pair": True,
        "note": None,
        "chars": 9,
        "signature": None,
    }
    with pa.ipc.new_file(str(tmp_path / "keys.arrow"), KEY_SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist([{**plain, **row} for row in rows], KEY_SCHEMA))
    keys = KeyColumns(tmp_path / "keys.arrow", [len(rows)], [])
    rules = Split(salt="s", held_out_groups=0.0)

    def outcomes(cap: int | None) -> list[int]:
        decisions = decide(keys, rules, origins=Origins(np.array([0, 0, 1], np.int16), (Cap(cap), Cap())))
        drop_known(decisions, keys, KnownKeys())
        return decisions.outcomes.tolist()

    assert outcomes(None) == [KEPT, KEPT, FILTERED]
    assert outcomes(1) == [KEPT, FILTERED, KEPT]


@pytest.mark.parametrize("seed", range(20))
def test_the_choice_is_that_of_a_plain_loop(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.choice([0, 1, 7, 200])
    sources = sorted(draw.randrange(3) for _ in range(count))
    same = [draw.randrange(max(1, count // 2)) for _ in range(count)]
    chars = [draw.randrange(1, 50) for _ in range(count)]
    ids = {one: draw.randbytes(12) for one in same}
    caps = tuple(Cap(draw.choice([None, 1, 20]), draw.choice([None, 1, 300])) for _ in range(3))
    taken: set[int] = set()
    duplicates, over = [], []
    for source, cap in enumerate(caps):
        ours: dict[int, int] = {}
        for place in [place for place in range(count) if sources[place] == source]:
            if same[place] in taken or same[place] in ours:
                duplicates.append(place)
            else:
                ours[same[place]] = place
        documents = characters = 0
        for place in sorted(ours.values(), key=lambda place: (ids[same[place]][:8], place)):
            documents, characters = documents + 1, characters + chars[place]
            if documents > (cap.documents or count) or characters > (cap.characters or 50 * count):
                over.append(place)
            else:
                taken.add(same[place])
    raw = np.frombuffer(b"".join(ids[one] for one in same), np.uint8).reshape(-1, 12)
    found = choose(np.array(same, np.int64), raw, np.array(chars, np.int32), Origins(np.array(sources, np.int16), caps))
    assert [sorted(places.tolist()) for places in found] == [sorted(duplicates), sorted(over)]


def test_another_source_or_cap_cleans_nothing_again(make, two, folder_settings: Settings, tmp_path: Path, monkeypatch) -> None:
    cleaned: list[str] = []
    real = cleaned_chunks.clean_chunk

    def watched(job: Any, reporter: Any) -> None:
        cleaned.append(job.source)
        real(job, reporter)

    monkeypatch.setattr(cleaned_chunks, "clean_chunk", watched)
    kept = Kept(*(StoredIntermediates(open_artifacts(folder_settings), {"code": name}) for name in ("chunks", "shards")))
    first, _ = make(two, kept)
    assert set(cleaned) == {"web", "books"}
    cleaned.clear()
    again, _ = make(two, kept)
    assert not cleaned
    assert {place.name: place.read_bytes() for place in first.iterdir()} == {place.name: place.read_bytes() for place in again.iterdir()}
    make({**two, "web": {**two["web"], "max_documents": 50, "weight": 3.0}}, kept)
    make(dict(reversed(two.items())), kept)
    assert not cleaned
    place = tmp_path / "books" / "part-1.csv"
    place.write_text(place.read_text().replace("Text 301", "Text 9301"))
    make(two, kept)
    assert set(cleaned) == {"books"}
    cleaned.clear()
    make(None, kept, source=two["web"])
    make({**two, "more": {"kind": "jsonl", "path": write_jsonl(tmp_path / "more", range(700, 720)), "columns": {"text": "body"}}}, kept)
    assert set(cleaned) == {"more"}


def test_the_digest_follows_from_the_parts_and_their_order(two, folder_settings: Settings, tmp_path: Path) -> None:
    def digest(sources: dict[str, dict[str, Any]]) -> str:
        return pin_source(Data(sources=sources, split=SPLIT).origin, folder_settings).digest

    before = digest(two)
    moved = tmp_path / "elsewhere"
    (tmp_path / "web").rename(moved)
    assert digest({**two, "web": {**two["web"], "path": str(moved), "weight": 2, "max_documents": 7}}) == before
    moved.rename(tmp_path / "web")
    assert digest(dict(reversed(two.items()))) != before
    (tmp_path / "web" / "part-0.jsonl").write_text(json.dumps({"body": text(1)}) + "\n")
    assert digest(two) != before
    alone = Data(source=two["books"], split=SPLIT)
    pin = pin_source(Data(sources=two, split=SPLIT).origin, folder_settings)
    assert pin.parts[1].pin.digest == pin_source(alone.origin, folder_settings).digest
    assert pin.count == 7


def test_quarantine_and_errors_name_the_source(make, two, tmp_path: Path) -> None:
    broken = tmp_path / "web" / "part-0.jsonl"
    whole = broken.read_text()
    broken.write_text(whole + "no json\n")
    corpus, counts = make(two)
    rows = [json.loads(line) for line in (corpus / FILE).read_text().splitlines()]
    assert [(row["source"], row["where"]) for row in rows] == [("web", "part-0.jsonl:101")]
    assert named(counts, "web").quarantined == 1
    broken.write_text(whole + "no json\n" * 60)
    with pytest.raises(BadInput, match=r"^data\.sources\.web: 60 of 460 records could not be read"):
        make(two)
    broken.write_text(whole)
    with pytest.raises(BadInput, match=r"in data\.sources\.books\.columns: 'worda'.*did you mean 'words'"):
        make({**two, "books": {**two["books"], "columns": {"text": "worda"}}})
    with pytest.raises(BadInput, match=r"data\.sources\.web\.path '.*none' finds no jsonl file"):
        make({**two, "web": {**two["web"], "path": str(tmp_path / "none")}})


def test_parts_of_long_texts_count_for_their_source(make, two) -> None:
    _, counts = make(two, filter={"max_chars": 100, "too_long": "split", "max_quarantined": 0.1})
    assert counts["split_parts"] == sum(found.split_parts for found in of_sources(counts)) > 500
    assert named(counts, "web").split_parts > named(counts, "books").split_parts > 0
