"""Decontamination: planted test texts are found and nothing else is; a frozen test set stays as it is whatever training has."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fixtures.bench_corpora import PLAIN, TEXTS, Bench, InMemory, Made, words
from fixtures.documents import document
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corpora.contamination import read_contamination
from pipeline.corpus.ingest import Kept
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import TEST, TRAIN, VALIDATION
from pipeline.corpus.wanted_runs import Rule, wanted_runs
from pipeline.corpus.word_ngrams import hash_runs, hash_sizes
from pipeline.errors import BadInput
from pipeline.recipe import Columns
from pipeline.tasks.classification.section import Classification

LABELS = Classification(kind="classification")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_several_sizes_are_hashed_as_each_by_itself() -> None:
    keys = ["one two three four five", "", "six seven", "eight"]
    for size, together in zip((1, 2, 3, 6), hash_sizes(keys, (1, 2, 3, 6)), strict=True):
        alone = hash_runs(keys, size)
        assert together.hashes.tolist() == alone.hashes.tolist()
        assert together.texts.tolist() == alone.texts.tolist()


def test_planted_texts_are_found_and_nothing_else(bench: Bench) -> None:
    """Quoted, in other case and punctuation, short ones, whole ones; texts that share 12 words stay."""
    draw = random.Random(1)
    long, ten, short = words(60, draw), words(10, draw), "yes it is so indeed"
    answer = words(15, draw)
    benchmark = bench.test_set([{"text": long, "target": ["A", answer]}, {"text": ten}, {"text": short}], Columns(target="target"))
    planted = [
        f"{words(50, draw)} {' '.join(long.split()[10:23])} {words(50, draw)}",
        f"{words(9, draw)}, {', '.join(long.upper().split()[20:40])}!",
        f"{words(30, draw)} {ten.title()} {words(30, draw)}",
        f"{words(30, draw)} {answer}",
        "Yes -- it is so, indeed.",
    ]
    clean = [
        f"{words(50, draw)} {' '.join(long.split()[10:22])} {words(50, draw)}",
        f"{words(30, draw)} {' '.join(ten.split()[:9])} {words(30, draw)}",
        f"{short} {words(30, draw)}",
        *(words(80, draw) for _ in range(300)),
    ]
    made = bench.corpus([{"text": text} for text in draw.sample(planted + clean, len(planted + clean))], {"quiz": benchmark})
    assert made.texts().isdisjoint(planted)
    assert made.texts() == set(clean)
    assert made.counts["filtered_contaminated"] == made.counts["contaminated_quiz"] == made.counts["filtered"] == len(planted)
    (found,) = read_contamination(made.folder)
    assert (found["name"], found["ngram"], found["texts"], found["documents"]) == ("quiz", 13, 3, 5)
    assert len(found["examples"]) == 5
    for example in found["examples"]:
        assert example["words"] in f"{long} {ten} {short} {answer}"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_conservation_and_exactness_on_any_texts(data: st.DataObject) -> None:
    """A document leaves training and validation exactly if it shares a run with a benchmark; every record is counted once."""
    few = st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "Über", "中"]), min_size=1, max_size=14).map(" ".join)
    tests = data.draw(st.lists(st.lists(few, min_size=1, max_size=4), min_size=1, max_size=3))
    texts = data.draw(st.lists(few, min_size=1, max_size=30))
    ngram = data.draw(st.integers(5, 14))
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        against = {f"set{place}": bench.test_set([{"text": text} for text in rows]) for place, rows in enumerate(tests)}
        # one that is never dropped, so that something is left
        rows = [{"text": text} for text in [*texts, *(f"left number{number}" for number in range(60))]]
        made = bench.corpus(rows, against, rules={"ngram": ngram}, filter={"min_chars": 1})

        def runs(text: str) -> set[tuple[str, ...]]:
            split = text.lower().replace("中", " 中 ").split()
            return {tuple(split[start : start + size]) for size in range(8, ngram) for start in range(len(split) - size + 1)} | {
                tuple(split[start : start + ngram]) for start in range(len(split) - ngram + 1)
            }

        wanted, whole = set(), set()
        for text in (text for rows in tests for text in rows):
            split = tuple(text.lower().replace("中", " 中 ").split())
            if len(split) >= ngram:
                wanted |= {split[start : start + ngram] for start in range(len(split) - ngram + 1)}
            elif len(split) >= 8:
                wanted.add(split)
            else:
                whole.add(split)
        bad = {text for text in texts if runs(text) & wanted or tuple(text.lower().replace("中", " 中 ").split()) in whole}
        assert made.texts(TRAIN, VALIDATION).isdisjoint(bad)
        assert made.texts() >= set(texts) - bad
        assert made.counts.get("filtered_contaminated", 0) == made.counts["filtered"]
        assert made.counts["read"] == len(rows)


def test_a_share_of_a_text_may_be_asked_for(bench: Bench) -> None:
    draw = random.Random(2)
    text = words(53, draw)
    half, most = " ".join(text.split()[:33]), " ".join(text.split()[:45])
    rows = [{"text": each} for each in (f"{half} {words(9, draw)}", f"{words(9, draw)} {most}", *(words(40, draw) for _ in range(200)))]
    other = [{"text": words(40, draw)} for _ in range(20)]
    made = bench.corpus(rows, {"quiz": bench.test_set([*other, {"text": text}])}, rules={"share": 0.7})
    assert made.texts() == {row["text"] for row in (rows[0], *rows[2:])}


def test_runs_of_many_documents_do_not_count_if_the_recipe_says_so(bench: Bench) -> None:
    draw = random.Random(3)
    licence, secret = words(20, draw), words(20, draw)
    benchmark = {"quiz": bench.test_set([{"text": f"{licence} {words(20, draw)}"}, {"text": secret}])}
    rows = [{"text": f"{words(20, draw)} {licence}"} for _ in range(30)] + [{"text": words(30, draw)} for _ in range(100)]
    rows += [{"text": f"{words(20, draw)} {secret}"} for _ in range(3)]
    assert bench.corpus(rows, benchmark).counts["contaminated_quiz"] == 33
    made = bench.corpus(rows, benchmark, rules={"most_documents": 10})
    assert made.counts["contaminated_quiz"] == 3
    (found,) = read_contamination(made.folder)
    assert found["common_ngrams"] == 8
    assert all(each["words"] in secret for each in found["examples"])


def test_another_benchmark_cleans_no_chunk_again_and_an_unchanged_one_searches_none(bench: Bench) -> None:
    draw = random.Random(4)
    rows = [{"text": words(30, draw)} for _ in range(100)]
    one, other = bench.test_set([rows[3], rows[50]]), bench.test_set([rows[7]])
    chunks, shards = InMemory(), InMemory()
    source = bench.rows(rows, PLAIN)

    def run(against: dict[str, Made]) -> tuple[Made, list[str]]:
        chunks.made.clear(), shards.made.clear()
        made = bench.corpus(source, against, kept=Kept(chunks, shards))
        return made, [*chunks.made, *shards.made]

    _, made = run({"one": one})
    assert made == ["chunk", "found", "shards"]
    first, made = run({"one": one, "other": other})
    assert made == ["found", "shards"]
    assert first.counts["filtered_contaminated"] == 3
    again, made = run({"one": one, "other": other})
    assert made == []
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == {
        path.name: path.read_bytes() for path in again.folder.iterdir()
    }


def content(folder: Path, split: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"{split}-*.parquet"))}


def test_a_frozen_test_set_is_the_test_split_whatever_training_has(bench: Bench) -> None:
    draw = random.Random(6)
    tests = [{"text": words(40, draw)} for _ in range(30)]
    frozen = bench.test_set([*tests, tests[0]], task=TEXTS)
    assert (frozen.counts["test"], frozen.counts["duplicate"], frozen.counts["kept"]) == (30, 1, 30)
    plain = [{"text": words(40, draw)} for _ in range(400)]
    equal = [{"text": row["text"].upper() + "!"} for row in tests[:7]]
    quoting = [{"text": f"{words(40, draw)} {row['text']} {words(40, draw)}"} for row in tests[7:12]]
    edited = [{"text": " ".join([*row["text"].split()[:37], *words(3, draw).split()])} for row in tests[12:15]]
    one = bench.corpus(draw.sample(plain + equal + quoting + edited, 415), frozen=frozen)
    other = bench.corpus(plain[:200], frozen=frozen)
    assert content(one.folder, TEST) == content(other.folder, TEST) == content(frozen.folder, TEST)
    assert one.texts(TRAIN, VALIDATION) == {row["text"] for row in plain}
    assert (one.counts["filtered_in_test_source"], one.counts["filtered_near_test_source"]) == (7, 8)
    assert (one.counts["test"], one.counts["held_out"], one.counts["filtered"]) == (30, 0, 15)
    assert one.counts["read"] == one.counts["kept"] + one.counts["filtered"] == 445
    # about the share of validation, and nothing for the test split that is not read
    assert 0 < one.counts["validation"] < 25
    assert other.texts(VALIDATION) <= one.texts(VALIDATION)


def test_near_duplicates_of_a_frozen_test_set_leave_training(bench: Bench) -> None:
    draw = random.Random(7)
    tests = [{"text": words(60, draw)} for _ in range(5)]
    frozen = bench.test_set(tests, task=TEXTS)
    # every eighth word is another one: no run of eight words is left
    near = [{"text": " ".join(word if place % 30 else "other" for place, word in enumerate(row["text"].split()))} for row in tests]
    plain = [{"text": words(60, draw)} for _ in range(200)]
    for keep in ("first", "all"):
        made = bench.corpus(near + plain, frozen=frozen, deduplication={"near": 0.6, "keep": keep})
        assert made.texts(TRAIN, VALIDATION) == {row["text"] for row in plain}
        assert made.texts(TEST) == {row["text"] for row in tests}


def test_a_document_that_leaves_training_takes_none_out_of_the_other_splits(bench: Bench) -> None:
    """A held-out twin of a contaminated training document stays, and so does a near duplicate that has none of the words."""
    draw = random.Random(8)
    quoted = [words(30, draw) for _ in range(40)]
    rows = [{"text": text, "group": f"g{place % 9}"} for place, text in enumerate(words(40, draw) for _ in range(300))]
    rows += [{"text": text, "group": f"g{place % 9}"} for place, text in enumerate(quoted * 2)]
    columns, split = Columns(group="group"), {"held_out_groups": 0.3}
    made = bench.corpus(rows, {"quiz": bench.test_set([{"text": text} for text in quoted])}, columns=columns, split=split)
    assert made.texts(TRAIN, VALIDATION).isdisjoint(quoted)
    kept = [found.text for found in read_documents(made.folder, "held_out")]
    assert len(kept) == len(set(kept))
    assert set(kept) & set(quoted)
    assert made.counts["read"] == made.counts["kept"] + made.counts["filtered"] + made.counts["duplicate"]


def test_labels_of_a_frozen_test_set_have_to_be_known_from_training(bench: Bench) -> None:
    draw, columns = random.Random(9), Columns(target="label")
    rows = [{"text": words(20, draw), "label": "ab"[place % 2]} for place in range(100)]
    frozen = bench.test_set([{"text": words(20, draw), "label": label} for label in "abba"], columns, LABELS)
    made = bench.corpus(rows, frozen=frozen, task=LABELS, columns=columns, rules={})
    assert (made.counts["test"], made.counts["pairs_test"]) == (4, 4)
    assert made.counts["filtered"] == 0, "a label that test and training share is no contamination"
    strange = bench.test_set([{"text": words(20, draw), "label": "c"}], columns, LABELS)
    with pytest.raises(BadInput, match=r"of data.test_source cannot be tested: unknown class"):
        bench.corpus(rows, frozen=strange, task=LABELS, columns=columns)


def test_a_test_set_without_documents_is_refused(bench: Bench) -> None:
    with pytest.raises(BadInput, match="no test text is left of 1 records"):
        bench.test_set([{"text": "short"}], task=TEXTS)
    with pytest.raises(BadInput, match=r"'texd'.*did you mean 'text'"):
        bench.test_set([{"text": "some words"}], Columns(text="texd"))


def test_texts_with_a_run_in_common_with_many_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result does not depend on how many pairs are counted at once."""
    draw = random.Random(10)
    template = words(12, draw)
    texts = [document(place, text=f"{template} {words(draw.randint(4, 30), draw)}") for place in range(40)]
    wanted = wanted_runs(texts, Rule(8, 0.7, 8, short=False))
    rows, runs = [], []
    for place in range(60):
        base = texts[place % 40].text.split()
        found = set(hash_runs([" ".join(base[: draw.randint(10, len(base))])], 8).hashes.tolist())
        rows += [place] * len(found)
        runs += sorted(found)
    import numpy as np

    rows_, runs_ = np.array(rows), np.array(runs, np.uint64)
    whole = wanted.containing(rows_, runs_).tolist()
    assert 5 < len(whole) < 60
    monkeypatch.setattr("pipeline.corpus.wanted_runs.MOST_PAIRS", 50)
    assert wanted.containing(rows_, runs_).tolist() == whole
