"""Examples of classification: which answers are valid, how they are stored, and which corpora are refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.cleaned import document_of

from pipeline.corpus.documents import Document, Quarantined, Record
from pipeline.corpus.splitting import HELD_OUT, TEST, TRAIN, VALIDATION
from pipeline.errors import BadInput
from pipeline.recipe import Filter
from pipeline.tasks.classes import read_labels
from pipeline.tasks.classification.examples import Examples
from pipeline.tasks.classification.section import Classification

if TYPE_CHECKING:
    from pathlib import Path

RULES = Filter(min_chars=1, min_letters=0)


def examples(answer: str = "label", **fields: Any) -> Examples:
    return Examples(Classification(kind="classification", answer=answer, **fields))


def stored(part: Examples, target: Any, text: str = "The lantern is broken.", pair: str | None = None) -> str | None:
    """The target as it is stored, or why the record is quarantined."""
    found = document_of(part, Record(text, target, pair=pair, where="rows.jsonl:7"), RULES)
    assert not isinstance(found, str)
    return f"quarantined: {found.reason}" if isinstance(found, Quarantined) else found.target


def filled(part: Examples, **targets: list[Any]) -> Examples:
    """The examples after documents with these targets were added to the splits, training first."""
    for split in (TRAIN, VALIDATION, TEST, HELD_OUT):
        for number, target in enumerate(targets.get(split, [])):
            found = document_of(part, Record(f"Text {number} of {split}.", target), RULES)
            assert isinstance(found, Document)
            part.add(part.note(found), split)
    return part


@pytest.mark.parametrize(
    ("answer", "value", "expected"),
    [
        ("label", "bug", "bug"),
        ("label", "  a\tlabel\u200b of\ntwo lines ", "a label of two lines"),
        ("label", 0, "0"),
        ("label", -3, "-3"),
        ("label", True, "true"),
        ("label", None, None),
        ("label", "", None),
        (
            "label",
            1.0,
            "quarantined: the label is a number with a fraction, not text, an integer or a boolean (task.answer: number is for numbers)",
        ),
        ("label", ["bug"], "quarantined: the label is a list, not text, an integer or a boolean (task.answer: labels is for lists)"),
        ("label", " \u200b ", "quarantined: the label is empty"),
        ("labels", ["b", "a", "b", 1], '["1", "a", "b"]'),
        ("labels", [], "[]"),
        ("labels", "a, b; c", '["a, b; c"]'),
        ("labels", ["a", None], "quarantined: the label is null, not text, an integer or a boolean (task.answer: number is for numbers)"),
        ("labels", [["a"]], "quarantined: the label is a list, not text, an integer or a boolean (task.answer: labels is for lists)"),
        ("number", 3, "3.0"),
        ("number", -0.0, "0.0"),
        ("number", " 3.5e2 ", "350.0"),
        ("number", 0.1 + 0.2, "0.30000000000000004"),
        ("number", float("nan"), "quarantined: the number is infinite or NaN"),
        ("number", "-Infinity", "quarantined: the number is infinite or NaN"),
        ("number", 10**400, "quarantined: the number is text, or too large"),
        ("number", "many", "quarantined: the number is text, or too large"),
        ("number", True, "quarantined: the number is true or false"),
        ("number", [1], "quarantined: the number is a list"),
    ],
)
def test_an_answer_has_one_form_or_is_quarantined(answer: str, value: Any, expected: str | None) -> None:
    assert stored(examples(answer), value) == expected


def test_a_label_that_the_recipe_does_not_list_is_quarantined_with_the_near_name() -> None:
    listed = examples(labels=("praise", "bug"))
    assert stored(listed, "bug") == "bug"
    assert stored(listed, "prase") == "quarantined: unknown label 'prase' (did you mean 'praise'?)"


def test_the_input_decides_the_split_and_a_pair_is_part_of_it() -> None:
    part = examples()
    documents = [
        document_of(part, Record(text, label, pair=pair), RULES)
        for text, label, pair in (("A text.", "a", None), ("a  TEXT", "b", None), ("A text.", "a", "More."), ("A text. More.", "a", None))
    ]
    keys = [part.split_keys(document).decides for document in documents if isinstance(document, Document)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert len({document.id for document in documents if isinstance(document, Document)}) == 4


def test_a_pair_is_cleaned_and_an_empty_one_is_filtered() -> None:
    found = document_of(examples(), Record("A premise.", "yes", pair=" A\u00a0hypothesis.\r\n"), RULES)
    assert isinstance(found, Document)
    assert found.pair == "A hypothesis."
    assert document_of(examples(), Record("A premise.", "yes", pair=" \u200b"), RULES) == "too_short"


def test_classes_are_those_of_training_in_a_natural_order(tmp_path: Path) -> None:
    part = filled(examples(), train=["10", "9", "bug", 10, "9", "Ask", "bug", "Ask"], validation=["9", "bug"], test=["bug"])
    counts = part.finish(tmp_path)
    assert read_labels(tmp_path) == ["9", "10", "Ask", "bug"]
    assert counts == {"classes": 4, "missing_classes_train": 0, "missing_classes_validation": 2, "missing_classes_test": 3}


def test_the_recipe_may_fix_the_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    part = filled(examples(labels=("c", "a", "b")), train=["a", "b", "a", "b"], test=["c", "c"])
    counts = part.finish(tmp_path)
    assert read_labels(tmp_path) == ["c", "a", "b"]
    assert (counts["missing_classes_train"], counts["missing_classes_validation"]) == (1, 3)
    assert caplog.messages[0] == "1 of 3 classes have no example in the train split: 'c'"


def test_a_class_that_training_does_not_know_is_filtered(tmp_path: Path) -> None:
    part = filled(examples("labels"), train=[["a", "b"], ["a"], ["b"], []])
    new = document_of(part, Record("Another text.", ["a", "c"]), RULES)
    assert isinstance(new, Document)
    assert part.add(part.note(new), HELD_OUT) == "unknown_class"
    part.finish(tmp_path)
    assert read_labels(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "targets", "words"),
    [
        ("label", [None, None], "no record has a label; fix: check data.source.columns.target"),
        ("labels", [[], []], "no record has a label"),
        ("label", ["a"] * 9, "the target is always 'a'; expected at least 2 classes"),
        ("label", ["a", "a", "b", "c", "b"], "3 classes for 5 labels; expected at least two examples of a class"),
        ("label", [*"aaaabbbb", "ä", "c"], "2 of 4 classes occur once: 'c', 'ä'; .*fix: add examples, or join rare classes"),
        ("number", [None], "no record has a number"),
        ("number", [2, 2.0, "2"], "the target is always 2.0; expected numbers that differ"),
    ],
)
def test_targets_that_are_no_classes_are_refused(answer: str, targets: list[Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words):
        filled(examples(answer), train=targets).finish(tmp_path)


def test_numbers_need_no_classes(tmp_path: Path) -> None:
    assert filled(examples("number"), train=[1, 2.5, 3, 4]).finish(tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_labels_read_back_as_they_were(tmp_path: Path) -> None:
    labels = ['with "quotes"', "日本語", "a\\b"]
    filled(examples(), train=labels * 3).finish(tmp_path)
    assert Counter(read_labels(tmp_path)) == Counter(labels)
    assert json.loads((tmp_path / "labels.json").read_text()) == read_labels(tmp_path)
