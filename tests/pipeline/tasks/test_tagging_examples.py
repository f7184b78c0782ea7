"""Examples of tagging: tokens with their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixtures.cleaned import document_of
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.documents import Document, Quarantined, Record
from pipeline.corpus.normalise import clean_line
from pipeline.errors import BadInput
from pipeline.recipe import Filter
from pipeline.tasks.classes import read_labels
from pipeline.tasks.parts import part
from pipeline.tasks.tagging.section import Tagging
from pipeline.tasks.tagging.tokens import EMPTY, join_tokens, split_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tasks.base import TaskExamples

RULES = Filter(min_chars=1, min_letters=0)


def examples(**fields: Any) -> TaskExamples:
    found: TaskExamples = part(Tagging(kind="tagging", **fields), "examples")
    return found


@given(st.lists(st.text(), min_size=1))
def test_tokens_are_read_back_from_their_text(tokens: list[str]) -> None:
    text = join_tokens(tokens)
    assert split_tokens(text) == [clean_line(token) or EMPTY for token in tokens]
    assert len(split_tokens(text)) == len(tokens)


@pytest.mark.parametrize(
    ("tokens", "tags", "expected"),
    [
        (["New York", "is", "\u200b", "big"], ["B-LOC", "O", "O", "O"], ("New\u00a0York is \ufffd big", '["B-LOC", "O", "O", "O"]')),
        (["a", "b"], [0, 3], ("a b", '["0", "3"]')),
        (["a", "b"], None, ("a b", None)),
        (["a", "b"], ["O"], "another number of tags than of tokens"),
        (["a"], "O", "the tags are no list"),
        (["a"], [None], "the label is null, not text, an integer or a boolean (task.answer: number is for numbers)"),
        ("a text", ["O", "O"], "the tokens are no list of texts"),
        ([], [], "the tokens are no list of texts"),
        (["a", 1], ["O", "O"], "the tokens are no list of texts"),
    ],
)
def test_tokens_and_tags_become_a_document_or_are_quarantined(tokens: Any, tags: Any, expected: Any) -> None:
    found = document_of(examples(), Record(tokens, tags), RULES)
    if isinstance(found, Quarantined):
        assert found.reason == expected
    else:
        assert isinstance(found, Document)
        assert (found.text, found.target) == expected


def test_a_tag_that_the_recipe_does_not_list_has_the_near_name() -> None:
    found = document_of(examples(labels=("O", "B-PER", "I-PER")), Record(["a"], ["B-PRE"]), RULES)
    assert isinstance(found, Quarantined)
    assert found.reason == "unknown label 'B-PRE' (did you mean 'B-PER'?)"


def test_spans_that_begin_inside_are_counted_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [["B-PER", "I-PER", "O", "I-PER"], ["B-PER", "I-LOC", "I-LOC", "O"], ["I-LOC", "O", "B-PER", "I-PER"]]
    one = examples()
    for number, tags in enumerate(rows):
        found = document_of(one, Record([f"w{number}", "x", "y", "z"], tags), RULES)
        assert isinstance(found, Document)
        assert one.add(one.note(found), "train") is None
    assert one.finish(tmp_path)["stray_tags"] == 3
    assert read_labels(tmp_path) == ["B-PER", "I-LOC", "I-PER", "O"]
    assert "3 tags I-… do not follow a tag of their kind; in IOB2 a span begins with B-…" in caplog.messages


def test_tags_that_begin_no_span_are_refused_unless_each_counts_alone(tmp_path: Path) -> None:
    for spans in (True, False):
        one = examples(spans=spans)
        for number in range(4):
            found = document_of(one, Record([f"w{number}", "x"], ["NOUN", "VERB"]), RULES)
            assert isinstance(found, Document)
            one.add(one.note(found), "train")
        if spans:
            with pytest.raises(BadInput, match=r"no tag begins with B-; .*fix: set task\.spans: false"):
                one.finish(tmp_path)
        else:
            assert one.finish(tmp_path)["classes"] == 2


def test_a_tag_that_occurs_once_is_refused(tmp_path: Path) -> None:
    one = examples()
    for number, tags in enumerate((["B-X", "O"], ["B-X", "O"], ["B-Y", "O"])):
        found = document_of(one, Record([f"w{number}", "x"], tags), RULES)
        assert isinstance(found, Document)
        one.add(one.note(found), "train")
    with pytest.raises(BadInput, match="1 of 3 classes occur once: 'B-Y'"):
        one.finish(tmp_path)


def test_a_corpus_of_one_tag_is_refused(tmp_path: Path) -> None:
    one = examples()
    found = document_of(one, Record(["a", "b"], ["O", "O"]), RULES)
    assert isinstance(found, Document)
    one.add(one.note(found), "train")
    with pytest.raises(BadInput, match="the target is always 'O'; expected at least 2 classes"):
        one.finish(tmp_path)
