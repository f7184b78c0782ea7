"""Examples of chat: a conversation that ends with the answer to learn.

The text of a document is a transcript without that answer, its pair the JSON list of these messages, its target the answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.keys import input_key
from pipeline.errors import BadInput
from pipeline.tasks import answers
from pipeline.tasks.base import SplitKeys
from pipeline.tasks.chat.messages import SYSTEM, conversation, transcript

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.tasks.chat.section import Chat

UNANSWERED = "?"
ANSWERED = "answered"
"""The note of a document with an answer."""


class Examples:
    """Conversation → its last message. All that was said before it decides the split."""

    def __init__(self, section: Chat) -> None:
        """Start with nothing counted.

        Args:
            section: limits of the answer, and a system message.
        """
        self.section = section
        self.prose = section.prose
        self.answers = 0

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Check and clean the messages. A question without an answer, or with one that is too short or too long, keeps its text only."""
        unanswered = record.target is None and isinstance(record.text, str) and record.text.strip()
        # a placeholder answer lets the question pass the same checks; it is not kept
        target = UNANSWERED if unanswered else record.target
        try:
            messages = conversation(target, record.text, clean=cleaner.text)
        except BadInput as error:
            return answers.quarantined(record, error)
        if self.section.system and messages[0]["role"] != SYSTEM:
            messages = [{"role": SYSTEM, "content": self.section.system}, *messages]
        text, answer = transcript(messages[:-1]), messages[-1]["content"]
        fits = not unanswered and self.section.min_target_chars <= len(answer) <= self.section.max_target_chars
        before = json.dumps(messages[:-1], ensure_ascii=False)
        # the text holds all that the pair holds, so only the text has a limit
        cleaned = cleaner.judged(record, text, None, answer)
        return cleaned._replace(pair=before).documents(answer if fits else None) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The whole conversation before the answer decides."""
        return SplitKeys(input_key(document))

    def note(self, document: Document) -> str | None:
        """Whether there is an answer."""
        return None if document.target is None else ANSWERED

    def add(self, note: str | None, split: str) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Count the answers."""
        self.answers += note is not None
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to write.

        Raises:
            BadInput: no conversation has an answer that fits.
        """
        if not self.answers:
            least, most = self.section.min_target_chars, self.section.max_target_chars
            raise BadInput(
                "no conversation has a usable answer", f"answers of {least} to {most} characters", "change task.max_target_chars"
            )
        return {}
