"""A conversation as token ids, by the model's own chat template, with the tokens of each answer marked.

The template renders placeholders; the contents are put in afterwards, as plain text. So "<|im_end|>" in a message is ten
characters and cannot end it, and the tokens of an answer are known without a mark in the template.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.errors import BadInput
from pipeline.tasks.chat.messages import ASSISTANT, SYSTEM, USER
from pipeline.tokens.tokenizer_folder import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.tasks.chat.messages import Message
    from pipeline.tokens.text_encoder import TextEncoder

PLAIN = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
"""The template of a tokenizer that has none."""

OPEN, CLOSE = "\ue000", "\ue001"
"""Around the number of a message, where its content goes. Private characters: no template has them."""

PLACE = re.compile(f"{OPEN}(\\d+){CLOSE}")


class Rendered(NamedTuple):
    """A conversation as tokens."""

    ids: NDArray[np.int64]
    predicted: NDArray[np.bool_]
    """Which tokens belong to an answer, its end token included."""

    last: int
    """Where the last answer begins; the end for a conversation without one."""


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, encoder: TextEncoder, template: str | None) -> None:
        """Load the tokenizer.

        Args:
            encoder: of the model.
            template: the recipe's own; None takes the tokenizer's.
        """
        self._encoder, self._tokenizer = encoder, load_tokenizer(encoder.folder)
        self._template = template or self._tokenizer.chat_template or PLAIN
        self._pieces: dict[str, NDArray[np.int64]] = {}

    def render(self, messages: Sequence[Message], *, answer_next: bool = False) -> Rendered:
        """Token ids of a conversation.

        Args:
            messages: the conversation.
            answer_next: end with what comes before an answer.

        Raises:
            BadInput: the template fails, drops a message, or does not end an answer with the end token.
        """
        parts = PLACE.split(self._text(messages, answer_next=answer_next))
        order = [int(number) for number in parts[1::2]]
        if order != list(range(len(messages))):
            raise BadInput("the chat template does not show every message once, in order", "", "set task.template, or change the base")
        contents = self._encoder.encode([message["content"] for message in messages])
        pieces, marks, ends, last = [self._piece(parts[0])], [np.zeros(len(self._piece(parts[0])), dtype=bool)], 0, 0
        for message, content, after in zip(messages, contents, parts[2::2], strict=True):
            tail, answer = self._piece(after), message["role"] == ASSISTANT
            if answer:
                last, ends = sum(map(len, pieces)), self._end(tail)
            pieces += [content, tail]
            marks += [np.full(len(content), answer), np.arange(len(tail)) < ends if answer else np.zeros(len(tail), dtype=bool)]
        ids = np.concatenate(pieces).astype(np.int64)
        return Rendered(ids, np.concatenate(marks), last if messages[-1]["role"] == ASSISTANT else len(ids))

    def _text(self, messages: Sequence[Message], *, answer_next: bool) -> str:
        """The rendered template, with the number of each message in place of its content."""
        numbered = [{"role": message["role"], "content": f"{OPEN}{number}{CLOSE}"} for number, message in enumerate(messages)]
        try:
            text: str = self._tokenizer.apply_chat_template(
                numbered, chat_template=self._template, tokenize=False, add_generation_prompt=answer_next
            )
        except Exception as error:  # jinja2 and a template's own raise_exception raise what they like
            raise BadInput(f"the chat template cannot be rendered: {error}", "", "correct task.template, or change the base") from error
        return text

    def _piece(self, text: str) -> NDArray[np.int64]:
        """Token ids of a part of the template; special tokens in it are real."""
        if text not in self._pieces:
            self._pieces[text] = np.asarray(self._tokenizer.encode(text, add_special_tokens=False), dtype=np.int64)
        return self._pieces[text]

    def _end(self, tail: NDArray[np.int64]) -> int:
        """How many tokens after an answer belong to it: up to its end token."""
        found = np.flatnonzero(tail == self._encoder.vocabulary.eos)
        if not len(found):
            raise BadInput(
                "the chat template does not end an answer with the end token", "", "set task.template to one that writes eos_token after it"
            )
        return int(found[0]) + 1


def shortened(messages: Sequence[Message]) -> list[Message] | None:
    """The conversation without its oldest exchange, a system message kept; None if only the last question would be left."""
    begin = 1 if messages[0]["role"] == SYSTEM else 0
    questions = [place for place in range(begin + 1, len(messages)) if messages[place]["role"] == USER]
    return [*messages[:begin], *messages[questions[0] :]] if questions else None
