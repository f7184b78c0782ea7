"""The filter that keeps documents like a reference: its features and figures, what it learns, and the corpus that it makes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.corpora.quality import read_quality
from pipeline.corpus.cleaned_chunks import CleanedChunks
from pipeline.corpus.cleaning.base import Candidate
from pipeline.corpus.cleaning.report import EXAMPLES, CleaningReport
from pipeline.corpus.cleaning_inputs import CleaningInputs, GivenModel
from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.quality import FACTS, WEIGHTS
from pipeline.corpus.quality.features import CHARS, SIZE, WORDS, features_of, words_of
from pipeline.corpus.quality.judge import ONE, QualityJudge, score
from pipeline.corpus.quality.sample import TEXTS, read_sample, sample_source
from pipeline.corpus.quality.scores import area, balanced_accuracy, share
from pipeline.corpus.quality.train import train_classifier
from pipeline.corpus.read_corpus import read_split
from pipeline.erasure.keys import text_key
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.errors import BadInput
from pipeline.recipe import Columns, Data, Source, Split
from pipeline.recipe.quality import Quality, QualityLimit
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.tasks.language_model.section import LanguageModel
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.settings import Settings

TASK = LanguageModel(kind="language_model")
SUBJECTS = ("The function", "This method", "A subclass", "The parser", "Each thread", "The caller")
VERBS = ("returns", "accepts", "raises", "closes", "reads", "replaces")
OBJECTS = ("an error", "the given path", "a list of names", "its own buffer", "every line", "the open file")


def good(count: int, first: int = 0) -> list[dict[str, str]]:
    """Sentences in order; all differ."""
    random = Random(first)
    return [
        {
            "text": " ".join(f"{random.choice(SUBJECTS)} {random.choice(VERBS)} {random.choice(OBJECTS)}." for _ in range(6)),
            "site": f"good {number % 40}",
        }
        for number in range(first, first + count)
    ]


def bad(count: int) -> list[dict[str, str]]:
    """The words of the same sentences in any order, without the signs."""
    random = Random(9)
    rows = good(count, 100_000)
    for row in rows:
        words = row["text"].replace(".", "").lower().split()
        random.shuffle(words)
        row |= {"text": " ".join(words), "site": f"bad {random.randrange(40)}"}
    return rows


def write(place: Path, rows: Sequence[dict[str, str]]) -> Path:
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """1,000 sentences in order and 1,000 shuffled ones."""
    rows = good(1000) + bad(1000)
    Random(3).shuffle(rows)
    return write(tmp_path / "source.jsonl", rows)


def data_of(path: Path, **changes: object) -> Data:
    columns = Columns(text="text", group="site")
    return Data(source=Source(kind="jsonl", path=str(path), columns=columns), split=Split(salt="s"), **changes)


@pytest.fixture
def sampled(tmp_path: Path, folder_settings: Settings) -> Callable[..., Path]:
    """Sample a source into a folder."""

    def run(path: Path, name: str, forgotten: Forgotten | None = None, **columns: str) -> Path:
        output = tmp_path / name
        output.mkdir()
        data = data_of(path)
        if columns:
            data = data.model_copy(update={"source": data.source.model_copy(update={"columns": Columns(**columns)})})
        pin = PINNERS.load("jsonl")(data.source, folder_settings)
        sample_source(data, part(TASK, "examples"), pin, output, folder_settings, SilentReporter(), forgotten or Forgotten())
        return output

    return run


@pytest.fixture
def classifier(tmp_path: Path, source: Path, sampled: Callable[..., Path]) -> GivenModel:
    output = tmp_path / "classifier"
    output.mkdir()
    reference = sampled(write(tmp_path / "reference.jsonl", good(600, 50_000)), "reference")
    train_classifier(reference, sampled(source, "sample"), QualityLimit(keep=0.5), output)
    return GivenModel(output, "a" * 64)


@pytest.mark.parametrize("text", ["It's 12 o'clock_now,\tO.K.?\n", "", "a", "x" * (CHARS + 5), "naïve Straße ½ 日本語 พ.ศ. १२"])
def test_features_are_words_and_pairs(text: str) -> None:
    words = words_of(text)
    assert words == WORDS.findall(re.sub(r"[0-9½१२]+", "0", text[:CHARS].lower()))
    found = features_of(text)
    assert len(found) <= max(0, 2 * len(words) - 1)
    assert found.tolist() == sorted(set(found.tolist()))
    assert not len(found) or (found.min() >= 0 and found.max() < SIZE)
    assert features_of(f"{text} {text}").tolist() == features_of(f"{text}  {text}").tolist()


def test_order_counts_in_pairs_and_digits_do_not() -> None:
    assert features_of("one two").tolist() != features_of("two one").tolist()
    assert features_of("in 1999").tolist() == features_of("In 20").tolist()
    assert words_of("日本 go") == ["日", "本", "go"]


def test_the_area_is_that_of_scikit_learn_and_its_interval_holds() -> None:
    random = np.random.default_rng(1)
    reference, corpus = np.round(random.normal(1, 1, 300), 1), np.round(random.normal(0, 1, 500), 1)
    wanted = roc_auc_score([1] * 300 + [0] * 500, np.concatenate([reference, corpus]))
    assert area([(reference, corpus)])["value"] == pytest.approx(wanted, abs=1e-4)
    true, hits = 0.7602, 0  # of two normal distributions one standard deviation apart: Φ(1/√2)
    for _ in range(1000):
        found = area([(random.normal(shift + 1, 1, 60), random.normal(shift, 1, 80)) for shift in (0, 9)])
        hits += found["low"] <= true <= found["high"]
    assert 0.92 < hits / 1000 < 0.97


def test_shares_have_intervals_that_stay_within_0_and_1() -> None:
    assert share(0, 20)["low"] == pytest.approx(0, abs=1e-9)
    assert share(8, 10) == {"value": 0.8, "low": 0.4902, "high": 0.9433}  # Wilson's, as R's prop.test gives without correction
    assert balanced_accuracy(np.array([True] * 9 + [False]), np.array([True] * 5 + [False] * 5))["value"] == 0.7


def test_a_classifier_separates_what_it_did_not_learn_from(classifier: GivenModel) -> None:
    facts = json.loads((classifier.folder / FACTS).read_bytes())
    # half of the corpus is like the reference, so 0.75 is the best that there is
    assert 0.65 < facts["auc"]["low"] <= facts["auc"]["value"] < 0.8
    assert facts["kept_corpus"]["low"] <= 0.5 <= facts["kept_corpus"]["high"]
    judge = QualityJudge(classifier.folder)
    shares = [sum(judge.judge(Candidate(row["text"])).reason is None for row in rows) / len(rows) for rows in (good(300, 70_000), bad(300))]
    assert shares[0] > 0.85
    assert shares[1] < 0.15


def test_the_score_is_that_of_the_trained_model(classifier: GivenModel) -> None:
    weights = np.load(classifier.folder / WEIGHTS).astype(np.int64)[1]
    bias = json.loads((classifier.folder / FACTS).read_bytes())["biases"][1]
    features = features_of("The function returns an error.")
    assert score(features, weights, bias) == pytest.approx((weights[features] / ONE).sum() / len(features) ** 0.5 + bias / ONE)
    assert score(features[:0], weights, bias) == bias / ONE


def test_no_text_is_judged_by_what_learned_from_it(classifier: GivenModel, source: Path) -> None:
    """A classifier drops nearly all that it learned as the corpus; here the sampled texts are kept like the reference."""
    judge = QualityJudge(classifier.folder)
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    kept = [judge.judge(Candidate(row["text"])).reason is None for row in rows]
    facts = json.loads((classifier.folder / FACTS).read_bytes())
    assert sum(kept) / len(rows) == pytest.approx(0.5, abs=0.01)
    alike = [keeps for keeps, row in zip(kept, rows, strict=True) if row["site"].startswith("good")]
    assert sum(alike) / len(alike) == pytest.approx(facts["kept_reference"]["value"], abs=0.05)


def test_training_gives_the_same_bytes_each_time(classifier: GivenModel, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    train_classifier(tmp_path / "reference", tmp_path / "sample", QualityLimit(keep=0.5), again)
    assert [(again / name).read_bytes() for name in (WEIGHTS, FACTS)] == [
        (classifier.folder / name).read_bytes() for name in (WEIGHTS, FACTS)
    ]


def test_a_smallest_score_is_a_probability(classifier: GivenModel, tmp_path: Path) -> None:
    limits = []
    for least in (0.2, 0.5, 0.8):
        output = tmp_path / f"at {least}"
        output.mkdir()
        train_classifier(tmp_path / "reference", tmp_path / "sample", QualityLimit(min_score=least), output)
        limits += json.loads((output / FACTS).read_bytes())["limits"]
    assert limits == pytest.approx([-1.3863, -1.3863, 0, 0, 1.3863, 1.3863], abs=1e-4)


def test_a_sample_is_bounded_and_holds_no_text(tmp_path: Path, sampled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.corpus.quality.sample.TEXTS", 150)
    rows = good(400)
    first = sampled(write(tmp_path / "a.jsonl", rows), "first")
    second = sampled(write(tmp_path / "b.jsonl", [*reversed(rows), *rows[:50]]), "second")
    found, other = read_sample(first), read_sample(second)
    assert len(found.features) == len(found.texts) == len(set(found.texts.tolist())) == 150 < TEXTS
    assert found.texts.tolist() == other.texts.tolist()  # equal texts count once, in any order
    assert all(np.array_equal(left, right) for left, right in zip(found.features, other.features, strict=True))
    assert not any(b"parser" in place.read_bytes() for place in first.iterdir())


def test_what_is_to_be_forgotten_is_in_no_sample(tmp_path: Path, sampled: Callable[..., Path]) -> None:
    rows = good(300)
    place = write(tmp_path / "a.jsonl", rows)
    entry = Tombstone(number=1, time=datetime.now(UTC), person="ada", texts=(text_key(rows[5]["text"]),))
    whole = read_sample(sampled(place, "whole"))
    less = read_sample(sampled(place, "less", Forgotten([entry])))
    assert (len(whole.texts), len(less.texts)) == (300, 299)


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (good(99), {}, "has 99 texts among 99 records; expected at least 100"),
        (good(200), {"text": "txt"}, "in columns: 'txt'; .* did you mean 'text'"),
    ],
)
def test_what_no_sample_can_be_made_of_is_refused(tmp_path: Path, sampled: Callable[..., Path], rows, columns, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        sampled(write(tmp_path / "a.jsonl", rows), "sample", **columns)


def test_a_reference_that_is_the_corpus_is_refused(tmp_path: Path, sampled: Callable[..., Path]) -> None:
    same = [sampled(write(tmp_path / f"{name}.jsonl", good(500)), name) for name in ("reference", "corpus")]
    with pytest.raises(BadInput, match=r"all but 0 of 500 sampled texts of the corpus are in data\.quality\.like"):
        train_classifier(*same, QualityLimit(keep=0.5), tmp_path)
    alike = sampled(write(tmp_path / "alike.jsonl", good(500, 1000)), "alike")
    with pytest.raises(BadInput, match=r"cannot be told apart: AUC 0\.\d\d"):
        train_classifier(same[0], alike, QualityLimit(keep=0.5), tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_corpus_is_filtered_and_counted(
    tmp_path: Path, source: Path, classifier: GivenModel, folder_settings: Settings, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr("pipeline.corpus.cleaned_chunks.BYTES_A_PROCESS", 1)
    monkeypatch.setattr("pipeline.corpus.chunks.CHUNK_BYTES", 1 << 16)
    folder = tmp_path / "many"
    folder.mkdir()
    lines = source.read_text().splitlines(keepends=True)
    for number in range(8):
        (folder / f"{number}.jsonl").write_text("".join(lines[number::8]))
    like = Source(kind="jsonl", path=str(tmp_path / "reference.jsonl"))
    data = data_of(folder, quality=Quality(like=like, keep=0.5))
    pin = PINNERS.load("jsonl")(data.source, folder_settings)
    outputs = [tmp_path / f"out {name}" for name in "ab"]
    for output, several in zip(outputs, (1, processes), strict=True):
        output.mkdir()
        counts = ingest_corpus(
            data,
            part(TASK, "examples"),
            pin,
            output,
            folder_settings,
            SilentReporter(),
            processes=several,
            given=CleaningInputs(classifier=classifier),
        )
    assert contents(outputs[0]) == contents(outputs[1])
    assert counts["read"] == 2000 == counts["kept"] + counts["duplicate"] + counts["filtered"] + counts["quarantined"]
    assert 800 < counts["filtered_quality"] < 1200
    sites = read_split(outputs[0], "train", ["group"])["group"].to_pylist()
    assert sum(site.startswith("good") for site in sites) > 0.85 * len(sites)
    found = read_quality(outputs[0])
    assert found is not None
    assert found.facts == json.loads((classifier.folder / FACTS).read_bytes())
    margins = [row["margin"] for row in found.borderline]
    assert margins == sorted(margins, reverse=True)
    assert sum(margin >= 0 for margin in margins) == sum(margin < 0 for margin in margins) == EXAMPLES
    assert max(map(abs, margins)) < 0.1


def test_another_classifier_cleans_the_chunks_again(tmp_path: Path, source: Path, folder_settings: Settings) -> None:
    data = data_of(source)
    pin = PINNERS.load("jsonl")(data.source, folder_settings)

    def what(classifier: GivenModel | None) -> object:
        from pipeline.artifacts.intermediates import NothingKept

        examples = part(TASK, "examples")
        return CleanedChunks(
            data, examples, pin, folder_settings, SilentReporter(), NothingKept(), tmp_path, given=CleaningInputs(classifier=classifier)
        ).whats

    first, same, other = (what(GivenModel(tmp_path / name, digest)) for name, digest in (("a", "1"), ("b", "1"), ("a", "2")))
    assert first == same != other
    assert what(None) != first
    assert "quality" not in what(None)[0]


def test_texts_near_the_limit_are_the_nearest_of_all_parts() -> None:
    rows = [(margin / 10, f"text {margin}") for margin in range(-40, 40) if margin]
    whole, parts = CleaningReport(), [CleaningReport() for _ in range(4)]
    for number, (margin, text) in enumerate(rows):
        for report in (whole, parts[number % 4]):
            if report.wants_borderline(margin):
                report.add_borderline(margin, text)
    merged = CleaningReport()
    for one in parts:
        merged.merge(CleaningReport.from_json(json.loads(json.dumps(one.to_json()))))
    assert merged.borderline == whole.borderline
    assert [row["margin"] for row in whole.borderline] == [0.5, 0.4, 0.3, 0.2, 0.1, -0.1, -0.2, -0.3, -0.4, -0.5]
    assert "borderline" not in CleaningReport().to_json()


LIKE = {"kind": "jsonl", "path": "good.jsonl"}


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"like": LIKE}, "data.quality has neither keep nor min_score; expected keep"),
        ({"like": LIKE, "keep": 0.5, "min_score": 0.5}, "data.quality has both keep and min_score; .* keep one of them"),
        ({"like": LIKE, "keep": 1.5}, "data.quality.keep = 1.5"),
        ({"keep": 0.5}, "data.quality.like"),
        ({"like": {"kind": "jsonl", "path": "x.jsonl"}, "keep": 0.5}, "data.quality.like is data.source"),
        ({"like": {"kind": "jsnl", "path": "y.jsonl"}, "keep": 0.5}, "data.quality.like.kind .*did you mean 'jsonl'"),
        ({"like": {"kind": "jsonl"}, "keep": 0.5}, "data.quality.like has no path for kind 'jsonl'"),
        ({"like": {**LIKE, "delimiter": ";"}, "keep": 0.5}, "data.quality.like.delimiter with kind 'jsonl'"),
        ({"like": {**LIKE, "partitions": {"by": "day"}}, "keep": 0.5}, "data.quality.like has partitions"),
    ],
)
def test_what_a_recipe_may_not_say(quality: dict[str, object], said: str) -> None:
    recipe = {
        "name": "tiny",
        "data": {"source": {"kind": "jsonl", "path": "x.jsonl"}, "split": {"salt": "s"}, "quality": quality},
        "task": {"kind": "language_model"},
        "model": {"family": "gpt2"},
        "pretraining": {"objective": "causal_lm", "steps": 1},
        "registration": {"model": "tiny"},
    }
    with pytest.raises(BadInput, match=said) as refused:
        check_recipe(recipe, "tiny.yaml")
    assert "\n" not in str(refused.value)
