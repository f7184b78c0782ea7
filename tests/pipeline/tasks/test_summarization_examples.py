"""Examples of written answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixtures.cleaned import document_of

from pipeline.corpus.documents import Document, Quarantined, Record
from pipeline.errors import BadInput
from pipeline.recipe import Filter
from pipeline.tasks.parts import part
from pipeline.tasks.summarization.section import Summarization

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tasks.base import TaskExamples

RULES = Filter(min_chars=1, min_letters=0)


@pytest.fixture
def examples() -> TaskExamples:
    found: TaskExamples = part(Summarization(kind="summarization", min_target_chars=3, max_target_chars=12), "examples")
    return found


def document(examples: TaskExamples, record: Record, rules: Filter = RULES) -> Document:
    found = document_of(examples, record, rules)
    assert isinstance(found, Document)
    return found


@pytest.mark.parametrize(
    ("target", "stored"), [(" A\r\n summary", "A summary"), ("ab", None), ("longer than that", None), ("", None), (None, None)]
)
def test_a_target_that_does_not_fit_is_dropped_and_the_text_stays(examples: TaskExamples, target: str | None, stored: str | None) -> None:
    assert document(examples, Record("A text.", target)) == document(examples, Record("A text.", stored))


@pytest.mark.parametrize("target", [3, ["a"], {"a": 1}, False])
def test_a_target_that_is_not_text_is_quarantined(examples: TaskExamples, target: Any) -> None:
    found = document_of(examples, Record("A text.", target, where="in.jsonl:3"), RULES)
    assert found == Quarantined("the target is not text", "in.jsonl:3", str(target))


def test_kept_whitespace_is_kept_in_both_texts(examples: TaskExamples) -> None:
    code = "def f():\r\n\treturn  1\n"
    found = document(examples, Record(code, "f():\n  1 \n"), Filter(min_chars=1, min_letters=0, whitespace="keep"))
    assert (found.text, found.target) == ("def f():\n\treturn  1", "f():\n  1")
    assert document(examples, Record(code, "f():\n  1 \n")).text == "def f():\nreturn 1"


def test_the_answer_decides_and_the_input_may_not_straddle(examples: TaskExamples) -> None:
    pair, twin = (document(examples, Record(text, answer)) for text, answer in (("A text.", "Its answer"), ("Another.", "its ANSWER!")))
    alone = document(examples, Record("Its answer."))
    keys = [examples.split_keys(one) for one in (pair, twin, alone)]
    assert len({key.decides for key in keys}) == 1
    assert [key.also for key in keys] == ["a text", "another", None]
    assert keys[0].reasons == ("known_answer", "known_input")


def test_a_corpus_without_answers_is_refused(examples: TaskExamples, tmp_path: Path) -> None:
    examples.add(examples.note(document(examples, Record("A text."))), "train")
    with pytest.raises(BadInput, match=r"no record has a usable target; expected targets of 3 to 12 characters; fix: check"):
        examples.finish(tmp_path)
    examples.add(examples.note(document(examples, Record("A text.", "Summary"))), "test")
    assert examples.finish(tmp_path) == {}
