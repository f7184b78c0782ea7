"""The quality filter in a line: its steps, what runs again when data, reference or limit change, and what the corpus and its page say."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from fixtures.line import Heard

from pipeline.corpora.quality import read_quality
from pipeline.corpus.read_corpus import read_split
from pipeline.errors import BadInput
from pipeline.planning import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

pytestmark = pytest.mark.timeout(600)  # whole lines run

STEPS = ["reference_sample", "text_sample", "quality", "ingestion"]


def jumble(count: int) -> list[dict[str, str]]:
    """Rows of words that nobody writes."""
    random = Random(4)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(500)]
    return [
        {"name": f"junk.{number}", "body": " ".join(random.choices(words, k=20)), "summary": f"Nothing at all {number}.", "shop": "junk"}
        for number in range(count)
    ]


@pytest.mark.prove
def test_documents_unlike_the_reference_leave_the_corpus(make_line, tmp_path: Path) -> None:
    line = make_line()
    place, reference = Path(line.recipe.data.source.path), tmp_path / "reference.jsonl"
    rows = [*map(json.loads, place.read_text().splitlines())]
    Random(1).shuffle(rows)
    texts = [row["body"] for row in rows[:150]]
    rows = [*rows[150:], *jumble(250)]
    Random(2).shuffle(rows)
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reference.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    quality = {"like": {"kind": "jsonl", "path": str(reference)}, "keep": 0.5}
    plain = Planner(line.recipe, line.settings, read_only=True).plan("p").step("ingestion").fingerprint

    first = line.run({"data.quality": quality})
    assert first.launched[:4] == STEPS
    corpus = line.manifest("ingestion")
    assert corpus.fingerprint != plain
    assert corpus.inputs["quality"] == line.manifest("quality").reference
    assert 230 <= corpus.counts["filtered_quality"] <= 270
    assert corpus.counts["read"] == 500
    folder = line.artifacts.open(corpus, tmp_path / "corpus")
    groups = read_split(folder, "train", ["group"])["group"].to_pylist()
    assert groups.count("junk") < 0.05 * len(groups)
    found = read_quality(folder)
    assert found is not None
    assert found.facts["auc"]["low"] > 0.6
    assert line.manifest("quality").metrics["quality/auc"] == found.facts["auc"]["value"]

    assert line.run({"data.quality": quality}).launched == []
    # another limit: the samples are still there
    strict = replace_fields(line.recipe, {"data.quality": {**quality, "keep": 0.45}}, "a test")
    statuses = {row.id: row.status for row in Planner(strict, line.settings, read_only=True).plan("p").steps}
    assert [statuses[step] for step in STEPS] == [Status.HIT, Status.HIT, Status.MISS, Status.PENDING]
    # the same texts in another file: same sample, same classifier, same corpus
    (tmp_path / "moved.jsonl").write_text("".join(json.dumps({"body": text}) + "\n" for text in reversed(texts)))
    moved = {**quality, "like": {"kind": "jsonl", "path": str(tmp_path / "moved.jsonl"), "columns": {"text": "body"}}}
    again = line.run({"data.quality": moved})
    assert again.launched == ["reference_sample", "ingestion"]
    assert line.manifest("ingestion").digest == corpus.digest

    # cleaned ahead on other machines: the same corpus
    ahead = Heard()
    line.run({"data.quality": quality, "workers": {"cleaning": 2}}, ahead, force=frozenset({"ingestion"}))
    assert ahead.launched[:3] == ["cleaning", "cleaning-2", "ingestion"]
    assert line.manifest("ingestion").digest == corpus.digest


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], r"reference\.jsonl.*empty|empty.*reference\.jsonl"),
        ([{"txt": "A text."}], r"columns: 'text'; .* did you mean 'txt'"),
        (
            [{"text": f"A text of {number} words that is long enough."} for number in range(9)],
            "has 9 texts among 9 records; expected at least 100",
        ),
    ],
)
def test_a_reference_that_cannot_be_used_ends_the_run_in_one_line(make_line, tmp_path: Path, rows, said: str) -> None:
    line, reference = make_line(), tmp_path / "reference.jsonl"
    reference.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BadInput, match=said) as refused:
        line.run({"data.quality": {"like": {"kind": "jsonl", "path": str(reference)}, "keep": 0.5}})
    assert "\n" not in str(refused.value)


def test_a_reference_that_is_not_there_is_refused_when_it_is_planned(make_line, tmp_path: Path) -> None:
    line = make_line()
    missing = {"like": {"kind": "jsonl", "path": str(tmp_path / "gone.jsonl")}, "keep": 0.5}
    with pytest.raises(BadInput, match=r"^data\.quality\.like\.path .*gone\.jsonl.* or data\.quality\.like\.kind$"):
        Planner(replace_fields(line.recipe, {"data.quality": missing}, "a test"), line.settings, read_only=True).plan("p")
