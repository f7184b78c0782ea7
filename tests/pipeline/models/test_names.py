"""Spans that a model finds: windows over texts of any length, whole words, and how much of what was planted is found."""

from __future__ import annotations

import json
import random
from shutil import copyfile, copytree
from typing import TYPE_CHECKING

import pytest
from fixtures.name_tagger import sentence
from fixtures.starts import pretrained_folder

from pipeline.errors import BadInput, Preempted
from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.models.names.finder import NameFinder, finder_of
from pipeline.models.names.sections import AROUND, SECTION, sections, windows
from pipeline.models.names.words import WORDS, NameWord, join
from pipeline.reporter import SilentReporter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("room", [14, 15, 62, 510])
@pytest.mark.parametrize("count", [0, 1, 14, 15, 16, 61, 62, 63, 124, 511, 1000])
def test_each_piece_is_scored_in_one_window(count: int, room: int) -> None:
    found = windows(count, room)
    assert [place for one in found for place in range(one.kept_from, one.kept_to)] == list(range(count))
    assert all(0 <= one.start <= one.kept_from < one.kept_to <= one.end <= min(one.start + room, count) for one in found)
    # a piece at the edge of a window has text on both sides, but at the ends of the text
    margin = min(128, room // 2) // 2
    inner = [(one.kept_from - one.start, one.end - one.kept_to) for one in found]
    assert all(before >= margin - 1 for before, _ in inner[1:])
    assert all(after >= margin - 1 for _, after in inner[:-1])


@pytest.mark.parametrize("text", ["", "a", "word " * 20_000, "x" * 50_000, "日本" * 20_000, " " * 40_000, "a" * SECTION + " b" * AROUND])
def test_sections_cover_a_text_and_read_more_than_their_own(text: str) -> None:
    found = list(sections(text))
    assert "".join(text[one.start : one.end] for one in found) == text
    assert all(one.first <= one.start < one.end <= one.last <= one.first + SECTION + 5 * AROUND for one in found)
    assert all(one.first < one.start for one in found[1:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("O'Brien, Jean-Luc's and the dogs' ada_lovelace", ["O'Brien", "Jean-Luc", "s", "and", "the", "dogs", "ada", "lovelace"]),
        ("山田 is here", ["山", "田", "is", "here"]),
        ("José 2x\u0301", ["José", "2x\u0301"]),
        ("<name-417>... ", ["name-417"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert WORDS.findall(text) == words


def test_words_of_one_name_are_one_span() -> None:
    text = "J. R. Tolkien, Ada Bob\nEve"
    words = [NameWord(*found.span(), begins=found[0] in {"J", "Bob"}) for found in WORDS.finditer(text)]
    assert [text[start:end] for start, end in join(text, words)] == ["J. R. Tolkien", "Ada", "Bob\nEve"]


@pytest.fixture(scope="session")
def finder(name_tagger: Path) -> NameFinder:
    return NameFinder(name_tagger)


def found_in(finder: NameFinder, *texts: str, labels: tuple[str, ...] = ("PER",), min_score: float = 0.5) -> list[list[str]]:
    return [[text[start:end] for start, end in spans] for text, spans in zip(texts, finder.find(texts, labels, min_score), strict=True)]


def test_planted_names_are_found_in_sentences_that_the_model_has_not_seen(finder: NameFinder, record_property) -> None:
    draw = random.Random("unseen")
    rows = [sentence(draw) for _ in range(600)]
    planted, found = ([(number, name) for number, names in enumerate(each) for name in names] for each in (
        [row.names for row in rows], found_in(finder, *(row.text for row in rows))
    ))  # fmt: skip
    right = len(set(planted) & set(found))
    record_property("recall", right / len(set(planted)))
    record_property("precision", right / len(set(found)))
    assert right / len(set(planted)) >= 0.97
    assert right / len(set(found)) >= 0.97


@pytest.mark.parametrize("words", [20_000, pytest.param(100_000, marks=pytest.mark.prove)])
def test_no_part_of_a_long_text_is_left_out(finder: NameFinder, words: int) -> None:
    draw = random.Random("long")
    rows = []
    while sum(len(row.text.split()) for row in rows) < words:
        rows.append(sentence(draw))
    whole = found_in(finder, " ".join(row.text for row in rows))[0]
    assert len(whole) >= 0.95 * sum(len(row.names) for row in rows)
    # in the last tenth too
    late = {name for row in rows[-len(rows) // 10 :] for name in row.names}
    assert len(late & set(whole[-len(whole) // 5 :])) >= 0.95 * len(late)


def test_a_lower_limit_finds_more_and_a_label_decides(finder: NameFinder) -> None:
    draw = random.Random("limit")
    texts = [sentence(draw).text for _ in range(60)]
    counts = [sum(map(len, found_in(finder, *texts, min_score=least))) for least in (0.01, 0.5, 0.999)]
    assert counts[0] > counts[1] > counts[2]
    assert found_in(finder, "In Paris, a letter was found by Ada Kelmar.", labels=("LOC",)) == [["Paris"]]
    both = found_in(finder, "In Paris, a letter was found by Ada Kelmar.", labels=("PER", "LOC"))
    assert both == [["Paris", "Ada Kelmar"]]


def test_odd_texts_have_no_names_and_do_no_harm(finder: NameFinder) -> None:
    odd = ["", " ", "\n\n", "\u0301", "…" * 300, "x" * 3000, "Ada \ud800 Kelmar", "日本語" * 500, "\x00\x01"]
    assert len(finder.find(odd, ("PER",), 0.5)) == len(odd)
    assert finder.find([], ("PER",), 0.5) == []


def test_what_is_found_does_not_depend_on_the_other_texts(finder: NameFinder) -> None:
    draw = random.Random("others")
    texts = [sentence(draw).text for _ in range(80)]
    together = finder.find(texts, ("PER",), 0.5)
    assert [finder.find([text], ("PER",), 0.5)[0] for text in texts] == together


def test_a_request_to_stop_ends_the_search(finder: NameFinder) -> None:
    class Stopping(SilentReporter):
        def stopping(self) -> bool:
            return True

    with pytest.raises(Preempted):
        finder.find(["A text."], ("PER",), 0.5, Stopping())


def test_a_model_that_this_project_saved_is_read_with_the_limits_of_its_training(make_model: Callable[..., Path]) -> None:
    head = HeadSpec(Head.TOKEN_CLASSIFICATION, ("O", "B-PER", "I-PER"))
    folder = make_model("bert", head=head, task={"kind": "tagging", "max_tokens": 40})
    found = finder_of(folder)
    assert found is finder_of(folder)
    assert found.labels == ("O", "B-PER", "I-PER")
    text = "Takes the file that was given. " * 40
    spans = found.find([text], ("PER",), 1e-6)[0]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text) - 2


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_each_kind_of_model_reads_texts_longer_than_its_context(tmp_path: Path, family: str) -> None:
    folder = pretrained_folder(
        tmp_path / "m", family, head="AutoModelForTokenClassification", id2label={0: "O", 1: "B-PER"}, label2id={"O": 0, "B-PER": 1}
    )
    (spans,) = NameFinder(folder).find(["Takes the file that was given. " * 60], ("PER",), 1e-6)
    assert len(spans) == 6 * 60


def test_a_model_without_a_head_or_a_fast_tokenizer_is_refused(tmp_path: Path, name_tagger: Path) -> None:
    plain = pretrained_folder(tmp_path / "plain", "bert")
    with pytest.raises(BadInput, match=r"has no head that classifies tokens: classifier\.bias is missing"):
        NameFinder(plain)
    slow = copytree(name_tagger, tmp_path / "slow")
    (slow / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"no tokenizer\.json in the model of names; expected a fast tokenizer"):
        NameFinder(slow)
    cut = copytree(name_tagger, tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((name_tagger / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(BadInput, match="weights of the model of names cannot be read") as refused:
        NameFinder(cut)
    assert "\n" not in str(refused.value)
    short = copytree(name_tagger, tmp_path / "short")
    config = json.loads((short / "tokenizer_config.json").read_text())
    (short / "tokenizer_config.json").write_text(json.dumps({**config, "model_max_length": 8}))
    with pytest.raises(BadInput, match="reads 8 tokens; expected at least 16"):
        NameFinder(short)
    copyfile(name_tagger / "tokenizer_config.json", short / "tokenizer_config.json")
    NameFinder(short)
