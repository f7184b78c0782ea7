"""The signature of chat: messages in, the next message out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Document
from pipeline.errors import BadInput
from pipeline.tasks.chat.messages import ASSISTANT, SYSTEM, conversation, transcript
from pipeline.tasks.columns import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.chat.section import Chat


class Serving:
    """The messages of a conversation, each with ``role`` and ``content``, are answered by the next message."""

    inputs = (Column("messages", "messages"),)
    outputs = (Column("answer"),)
    example: Mapping[str, Any] = {"messages": [{"role": "user", "content": "What does the method empty?"}]}

    def __init__(self, task: Chat) -> None:
        """Take the system message of the recipe."""
        self._system = task.system

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own; a row without messages is answered by nothing.

        Raises:
            BadInput: the messages are no conversation.
        """
        given = list(row["messages"]) if isinstance(row.get("messages"), Iterable) else []
        if not given or isinstance(row["messages"], str):
            return Document("", "", "", "", None, None)
        try:
            # an answer is put at the end to check the rest, and taken away again
            *messages, _ = conversation([*given, {"role": ASSISTANT, "content": "-"}], None, clean=cleaner.text)
        except BadInput as error:
            raise BadInput(f"messages: {error.got}", "a list of {role, content}", "correct the request") from error
        if self._system and messages[0]["role"] != SYSTEM:
            messages = [{"role": SYSTEM, "content": self._system}, *messages]
        return Document("", "", "", transcript(messages), json.dumps(messages, ensure_ascii=False), None)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {"answer": [prediction.answer for prediction in predictions]}
