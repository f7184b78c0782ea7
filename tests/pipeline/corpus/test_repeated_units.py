"""Lines and paragraphs that many documents have are removed, as a plain count says it; no document moves or changes its name by that."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from fixtures.bench_corpora import PLAIN, Bench, InMemory, Made, words
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.corpus.ingest import Kept
from pipeline.corpus.normalise import comparison_key
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.repeated_units import Asked, Repeated, count_units
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.recipe import Source

ONLY_LINES = {"near": None, "lines": 3}
SHORT = {"min_chars": 1, "min_letters": 0.0}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def expected(texts: list[str], lines: int | None, paragraphs: int | None) -> dict[str, str]:
    """What is left of each text, by counting in dictionaries."""

    def units(text: str) -> set[tuple[str, str]]:
        found = {("paragraph", comparison_key(unit)) for unit in text.split("\n\n")} if paragraphs else set()
        return found | ({("line", comparison_key(unit)) for unit in text.split("\n")} if lines else set())

    counts = Counter(unit for text in set(texts) for unit in units(text))
    least = {"line": lines, "paragraph": paragraphs}
    gone = {unit for unit, times in counts.items() if unit[1] and times >= (least[unit[0]] or 10**9)}
    left = {}
    for text in texts:
        stays = [
            "\n".join(line for line in part.split("\n") if ("line", comparison_key(line)) not in gone)
            for part in text.split("\n\n")
            if ("paragraph", comparison_key(part)) not in gone
        ]
        left[text] = "\n\n".join(part for part in stays if part)
    return left


LINE = st.sampled_from(["a b", "A, b!", "cd", "ef gh", "ij", "***", "xyz"])
TEXT = st.lists(st.lists(LINE, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=3).map("\n\n".join)


@settings(max_examples=60, deadline=None)
@example(["a b", "a b\nef gh\n***", "ef gh\na b"], 3, 2)
@given(st.lists(TEXT, min_size=1, max_size=25), st.one_of(st.none(), st.integers(2, 6)), st.integers(2, 6))
def test_what_is_left_is_what_a_plain_count_says(texts: list[str], lines: int | None, paragraphs: int) -> None:
    with TemporaryDirectory() as folder:
        always = [f"left {words(6, random.Random(place))}" for place in range(60)]
        rows = [{"text": text} for text in [*texts, *always]]
        rules = {"near": None, "lines": lines, "paragraphs": paragraphs}
        made = Bench(Path(folder)).corpus(rows, deduplication=rules, filter=SHORT)
        left = expected([*texts, *always], lines, paragraphs)
        # of texts that differ in signs only, one may leave its split because training has the other
        assert made.texts() <= set(left.values())
        assert {comparison_key(text) for text in made.texts()} == {comparison_key(text) for text in left.values() if text}
        assert made.counts["read"] == made.counts["kept"] + made.counts["filtered"] + made.counts["duplicate"]
        assert bool(made.counts.get("shortened")) == any(text and text != whole for whole, text in left.items())


def pages(count: int, notices: list[str], draw: random.Random) -> list[str]:
    return [f"{words(12, draw)}\n{draw.choice(notices)}\n\n{words(12, draw)}\n{words(12, draw)}" for _ in range(count)]


def test_notices_leave_and_are_named_and_what_has_nothing_else_leaves(bench: Bench) -> None:
    draw = random.Random(1)
    notice, rare = "Subscribe to our newsletter today!", "Only two pages say this."
    texts = [*pages(50, [notice], draw), *pages(2, [rare], draw), "SUBSCRIBE to our newsletter today", *pages(1, [notice], draw) * 3]
    made = bench.corpus([{"text": text} for text in texts], deduplication=ONLY_LINES)
    left = "\n".join(made.texts())
    assert notice not in left
    assert left.count(rare) == 2
    assert (made.counts["filtered_only_repeated"], made.counts["duplicate"]) == (1, 2)
    # the copies of one page count once in the corpus, and lose their line like all others
    assert made.counts["removed_lines"] == made.counts["shortened"] == 53
    (shown,) = json.loads((made.folder / "repeated.json").read_text())
    assert shown == {"kind": "line", "documents": 52, "text": notice}
    assert all(found.text == found.text.strip() for split in SPLITS for found in read_documents(made.folder, split))


def by_id(made: Made) -> dict[str, str]:
    return {found.id: split for split in SPLITS for found in read_documents(made.folder, split)}


def test_no_document_moves_or_gets_another_id_when_a_line_becomes_frequent(bench: Bench) -> None:
    draw = random.Random(2)
    notices = [words(5, draw) for _ in range(40)]
    texts = pages(300, notices, draw)
    split = {"test": 0.3, "validation": 0.2, "held_out_groups": 0.0}
    plain = by_id(bench.corpus([{"text": text} for text in texts], split=split))
    one = bench.corpus([{"text": text} for text in texts], split=split, deduplication={"near": None, "lines": 200})
    other = bench.corpus([{"text": text} for text in texts], split=split, deduplication={"near": None, "lines": 5})
    assert one.counts.get("removed_lines") is None
    assert other.counts["removed_lines"] > 200
    assert by_id(one) == by_id(other) == plain
    # who asks to forget a document by its id finds it, although its text is another one
    gone = next(iter(plain))
    entry = Tombstone(number=1, time=datetime.now(UTC), person="ada", ids=(gone,))
    after = bench.corpus(
        [{"text": text} for text in texts], split=split, deduplication={"near": None, "lines": 5}, forgotten=Forgotten([entry])
    )
    assert by_id(after) == {name: where for name, where in plain.items() if name != gone}


def test_texts_that_become_equal_are_in_one_split(bench: Bench) -> None:
    draw = random.Random(3)
    banners, bodies = [words(6, draw) for _ in range(40)], [words(30, draw) for _ in range(30)]
    texts = [f"{banner}\n{words(30, draw)}" for banner in banners for _ in range(5)]
    texts += [f"{banners[place % 40]}\n{bodies[place % 30]}" for place in range(120)]
    split = {"test": 0.3, "validation": 0.2, "held_out_groups": 0.0}
    made = bench.corpus([{"text": text} for text in texts], split=split, deduplication={"near": None, "lines": 5})
    held = Counter(found.text for each in SPLITS for found in read_documents(made.folder, each))
    assert [held[body] for body in bodies] == [1] * 30
    assert made.counts["filtered_known_input"] + made.counts["duplicate"] == 90


def test_a_frozen_test_set_keeps_its_lines_and_what_equals_it_leaves(bench: Bench) -> None:
    draw = random.Random(4)
    notice = words(6, draw)
    tests = [{"text": text} for text in pages(6, [notice], draw)]
    frozen = bench.test_set(tests)
    texts = pages(60, [notice], draw)
    made = bench.corpus([*tests, *({"text": text} for text in texts)], frozen=frozen, deduplication=ONLY_LINES)
    assert made.texts(TEST) == {row["text"] for row in tests}
    assert made.counts["filtered_in_test_source"] == 6
    assert len(made.texts(TRAIN, VALIDATION)) == 60


def source(bench: Bench, parts: list[list[str]], name: str) -> Source:
    """Files of a megabyte or more, so that each is a chunk of its own."""
    folder = bench.folder / name
    folder.mkdir(exist_ok=True)
    for number, texts in enumerate(parts):
        filler = "".join(json.dumps({"text": "x" * 200}) + "\n" for _ in range(5500))
        (folder / f"{number}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts) + filler)
    return Source(kind="jsonl", path=str(folder), columns=PLAIN)


def content(made: Made) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in made.folder.iterdir()}


def test_new_data_write_only_those_chunks_again_that_lose_something_new(bench: Bench) -> None:
    draw = random.Random(5)
    old, late = words(6, draw), words(6, draw)
    parts = [pages(20, [old], draw), [*pages(20, [old], draw), *pages(2, [late], draw)], pages(20, [words(6, draw)], draw)[:2]]
    rules = {"near": None, "lines": 10}
    chunks, shards = InMemory(), InMemory()

    def run(parts: list[list[str]], kept: Kept, processes: int = 1) -> tuple[Made, Counter[str]]:
        chunks.made.clear(), shards.made.clear()
        made = bench.corpus(source(bench, parts, "files"), deduplication=rules, kept=kept, processes=processes)
        return made, Counter([*chunks.made, *shards.made])

    kept = Kept(chunks, shards)
    first, made = run(parts, kept)
    # a chunk for each file, its units, and the first two shortened
    assert (made["chunk"], made["units"]) == (3 + 2, 3)
    again, made = run(parts, kept)
    assert not made
    assert content(again) == content(first)
    # the late notice becomes frequent with a new file: the second chunk is written again, the first is not
    more, made = run([*parts, pages(10, [late], random.Random(8))], kept)
    assert (made["units"], made["chunk"]) == (1, 1 + 2)
    fresh, _ = run([*parts, pages(10, [late], random.Random(8))], Kept(InMemory(), InMemory()))
    assert content(fresh) == content(more)


def test_one_and_two_processes_make_the_same_bytes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(6)
    notices = [words(6, draw) for _ in range(3)]
    made_of = source(bench, [pages(40, notices, draw) for _ in range(3)], "files")
    rules = {"lines": 4, "paragraphs": 4}
    one = bench.corpus(made_of, deduplication=rules)
    monkeypatch.setattr("pipeline.corpus.cleaned_chunks.BYTES_A_PROCESS", 1)
    two = bench.corpus(made_of, deduplication=rules, processes=2)
    assert content(one) == content(two)
    assert one.counts == two.counts
    assert one.counts["removed_lines"] == 120


def test_units_that_share_a_counter_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few counters every unit looks frequent; the exact count decides."""
    draw = np.random.default_rng(7)
    chunks = [(np.sort(draw.integers(0, 50, 400)), draw.integers(0, 120, 400).astype(np.uint64) << np.uint64(57)) for _ in range(4)]
    chunks = [tuple(np.unique(np.stack((rows.astype(np.uint64), units), 1), axis=0).T) for rows, units in chunks]
    read = {Path(str(place)): (rows.astype(np.int64), units) for place, (rows, units) in enumerate(chunks)}
    monkeypatch.setattr("pipeline.corpus.repeated_units.read_units", read.__getitem__)
    monkeypatch.setattr("pipeline.corpus.repeated_units.COUNTER_BITS", 2)
    different = draw.random(200) < 0.7
    found = count_units(list(read), np.arange(0, 250, 50), different, Asked(5, None))
    counts = Counter(
        int(unit)
        for place, (rows, units) in enumerate(read.values())
        for row, unit in zip(rows, units, strict=True)
        if different[place * 50 + row]
    )
    assert isinstance(found, Repeated)
    assert dict(zip(found.hashes.tolist(), found.documents.tolist(), strict=True)) == {
        unit: times for unit, times in counts.items() if times >= 5
    }
    assert 0 < len(found.hashes) < len(counts)
