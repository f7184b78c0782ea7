"""Examples of chat: which conversations are valid, and what is stored of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.cleaned import document_of

from pipeline.corpus.documents import Document, Quarantined, Record
from pipeline.errors import BadInput
from pipeline.recipe import Filter
from pipeline.tasks.chat.section import Chat
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tasks.base import TaskExamples

RULES = Filter(min_chars=1, min_letters=0)
QUESTION, ANSWER = {"role": "user", "content": "How do I\r\n  indent?"}, {"role": "assistant", "content": "\tLike so.\n\n\n  x = 1 "}
CLEANED = [{"role": "user", "content": "How do I\n  indent?"}, {"role": "assistant", "content": "\tLike so.\n\n\n  x = 1"}]


def examples(**fields: Any) -> TaskExamples:
    found: TaskExamples = part(Chat(kind="chat", **fields), "examples")
    return found


def document(target: Any, text: Any = "", rules: Filter = RULES, **fields: Any) -> Document:
    found = document_of(examples(**fields), Record(text, target), rules)
    assert isinstance(found, Document), found
    return found


def test_messages_keep_their_lines_and_the_text_is_what_was_said_before() -> None:
    found = document([QUESTION, ANSWER])
    assert [*json.loads(found.pair or ""), {"role": "assistant", "content": found.target}] == CLEANED
    assert found.text == "user: How do I\n  indent?"
    longer = document([{"role": "system", "content": "Be kind."}, QUESTION, ANSWER, QUESTION, ANSWER])
    assert longer.text.startswith("system: Be kind.\n\nuser: How do I")
    assert longer.text.count("assistant: ") == 1


def test_json_text_and_pairs_of_texts_are_conversations_too() -> None:
    assert document(json.dumps([QUESTION, ANSWER])) == document([QUESTION, ANSWER])
    assert document(ANSWER["content"], QUESTION["content"]) == document([QUESTION, ANSWER])
    assert document("[not JSON", "Text.").target == "[not JSON"
    collapsed = document([QUESTION, ANSWER], rules=Filter(min_chars=1, min_letters=0, whitespace="collapse"))
    assert collapsed.target == "Like so.\n\nx = 1"


def test_a_question_without_an_answer_keeps_its_text() -> None:
    found = document(None, QUESTION["content"], system="Be kind.")
    assert found.target is None
    assert [message["role"] for message in json.loads(found.pair or "")] == ["system", "user"]
    assert found.text == "system: Be kind.\n\nuser: How do I\n  indent?"


def test_a_system_message_of_the_recipe_is_for_conversations_without_one() -> None:
    own = {"role": "system", "content": "Be brief."}
    assert json.loads(document([QUESTION, ANSWER], system="Be kind.").pair or "")[0] == {"role": "system", "content": "Be kind."}
    assert document([own, QUESTION, ANSWER], system="Be kind.") == document([own, QUESTION, ANSWER])


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "the messages are no list"),
        ({"messages": []}, "the messages are no list"),
        ([], "the conversation is empty"),
        ([QUESTION], "the conversation does not end with an assistant message"),
        ([ANSWER], "the conversation has no user message"),
        ([QUESTION, {"content": "Hello."}], "a message has no role"),
        ([QUESTION, {"role": "bot", "content": "Hello."}], "role 'bot', not one of system, user, assistant"),
        ([QUESTION, {"role": "assistant"}], "the content of a message is not text"),
        ([QUESTION, {"role": "assistant", "content": [{"type": "text"}]}], "the content of a message is not text"),
        ([QUESTION, {"role": "assistant", "content": " \u200b\n"}], "a message is empty"),
        ([QUESTION, {"role": "system", "content": "Be kind."}, ANSWER], "a system message is not the first message"),
        ([QUESTION, "Hello."], "a message is no object with role and content"),
    ],
)
def test_what_is_no_conversation_is_quarantined(messages: Any, reason: str) -> None:
    found = document_of(examples(), Record("", messages, where="chat.jsonl:2"), RULES)
    assert isinstance(found, Quarantined)
    assert (found.reason, found.where) == (reason, "chat.jsonl:2")


def test_what_was_said_before_decides_the_split() -> None:
    other = {"role": "assistant", "content": "Another answer."}
    one, two, three = (document(messages) for messages in ([QUESTION, ANSWER], [QUESTION, other], [QUESTION, ANSWER, QUESTION, other]))
    keys = [examples().split_keys(found) for found in (one, two, three)]
    assert keys[0] == keys[1]
    assert keys[0].decides != keys[2].decides


def test_an_answer_that_does_not_fit_is_dropped(tmp_path: Path) -> None:
    one = examples(max_target_chars=5)
    found = document_of(one, Record("", [QUESTION, ANSWER]), RULES)
    assert isinstance(found, Document)
    assert found.target is None
    one.add(one.note(found), "train")
    with pytest.raises(BadInput, match="no conversation has a usable answer; expected answers of 1 to 5 characters"):
        one.finish(tmp_path)
