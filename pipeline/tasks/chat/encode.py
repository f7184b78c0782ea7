"""Conversations as token ids, with the tokens of the answers marked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.tasks.chat.messages import ASSISTANT
from pipeline.tasks.chat.template import ChatTemplate, shortened

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.tasks.chat.messages import Message
    from pipeline.tasks.chat.section import Chat
    from pipeline.tasks.chat.template import Rendered
    from pipeline.tokens.text_encoder import TextEncoder


class Encode:
    """An example is a whole conversation, and which of its tokens are predicted."""

    fields: Mapping[str, str] = {"ids": "", "predicted": "int8"}

    def __init__(self, task: Chat) -> None:
        """Take limits and template of the recipe."""
        self._task = task

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads the transcript."""
        return [document.text]

    def all_texts(self, document: Document) -> list[str]:
        """Transcript and answer."""
        return [document.text, *([document.target] if document.target else [])]

    def template(self, encoder: TextEncoder) -> ChatTemplate:
        """The chat template of a tokenizer, or the recipe's own."""
        return ChatTemplate(encoder, self._task.template)

    def encode(
        self, documents: Sequence[Document], encoder: TextEncoder, counts: Counter[str], split: str
    ) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Encode conversations; counts ``cut_conversations_<split>`` and ``too_long_<split>``."""
        template = self.template(encoder)
        for document in documents:
            answer: Message = {"role": ASSISTANT, "content": document.target or ""}
            rendered, cut = self._fitting(template, [*messages_of(document), answer])
            if rendered is None:
                counts[f"too_long_{split}"] += 1
                continue
            counts[f"cut_conversations_{split}"] += cut
            yield {"ids": rendered.ids, "predicted": rendered.predicted}

    def prompt(self, document: Document, template: ChatTemplate) -> NDArray[Any]:
        """What the model reads before its answer: the newest messages that fit; a last question that is too long keeps its end."""
        messages: list[Message] | None = messages_of(document)
        rendered = template.render(messages or [], answer_next=True).ids
        while len(rendered) > self._task.max_source_tokens and messages and (messages := shortened(messages)):
            rendered = template.render(messages, answer_next=True).ids
        return rendered[-self._task.max_source_tokens :]

    def _fitting(self, template: ChatTemplate, messages: list[Message]) -> tuple[Rendered | None, bool]:
        """The newest part of a conversation that fits, and whether older messages were dropped; None if the last exchange does not."""
        rendered, cut = template.render(messages), False
        while len(rendered.ids) > self._task.max_source_tokens + self._task.max_target_tokens:
            shorter = shortened(messages)
            if shorter is None:
                return None, cut
            messages, cut = shorter, True
            rendered = template.render(messages)
        return rendered, cut


def messages_of(document: Document) -> list[Message]:
    """The messages before the answer."""
    found: list[Message] = json.loads(document.pair or "[]")
    return found
