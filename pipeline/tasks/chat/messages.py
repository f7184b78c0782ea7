"""Conversations: a list of messages, each with a role and a content, checked and cleaned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SYSTEM, USER, ASSISTANT = ROLES = ("system", "user", "assistant")


class Message(TypedDict):
    """One message."""

    role: str
    content: str


def conversation(target: Any, text: Any, *, clean: Callable[[str], str]) -> list[Message]:  # noqa: ANN401 - any JSON values
    """The messages of a record.

    Args:
        target: a list of messages, also as JSON text; or the text that answers ``text``.
        text: the user's message where ``target`` is its answer; not read otherwise.
        clean: cleans the content of a message.

    Raises:
        BadInput: the messages are no conversation.
    """
    found = _parsed(target)
    if isinstance(found, str):
        found = [{"role": USER, "content": text}, {"role": ASSISTANT, "content": found}]
    if not isinstance(found, list):
        raise BadInput("the messages are no list")
    messages = [_message(one, clean) for one in found]
    roles = [message["role"] for message in messages]
    if not roles:
        raise BadInput("the conversation is empty")
    if SYSTEM in roles[1:]:
        raise BadInput("a system message is not the first message")
    if roles[-1] != ASSISTANT:
        raise BadInput("the conversation does not end with an assistant message")
    if USER not in roles:
        raise BadInput("the conversation has no user message")
    return messages


def transcript(messages: Sequence[Message]) -> str:
    """The messages as a text for people: each begins with its role."""
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def _parsed(target: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The list that a text holds as JSON, as CSV files store it; anything else as it is."""
    if isinstance(target, str) and target.lstrip().startswith("["):
        try:
            found = json.loads(target)
        except ValueError:
            return target
        return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else target
    return target


def _message(value: Any, clean: Callable[[str], str]) -> Message:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        raise BadInput("a message is no object with role and content")
    role, content = value.get("role"), value.get("content")
    if role is None:
        raise BadInput("a message has no role")
    if role not in ROLES:
        raise BadInput(f"role {role!r}, not one of {', '.join(ROLES)}")
    if not isinstance(content, str):
        raise BadInput("the content of a message is not text")
    cleaned = clean(content)
    if not cleaned:
        raise BadInput("a message is empty")
    return {"role": role, "content": cleaned}
