"""Examples of the tasks whose answer is a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.keys import input_key
from pipeline.corpus.normalise import comparison_key
from pipeline.errors import BadInput
from pipeline.tasks.base import SplitKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Record
    from pipeline.tasks.section import WrittenAnswer

MAX_EXCERPT_CHARS = 200
ANSWERED = "answered"
"""The note of a document with an answer."""


class WrittenExamples:
    """Text → text. The answer decides the split, and no input straddles."""

    def __init__(self, section: WrittenAnswer) -> None:
        """Start with nothing counted.

        Args:
            section: limits of the target.
        """
        self.section = section
        self.prose = section.prose
        self.answers = 0

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record. A target that is too short or too long is dropped, and the document keeps its text."""
        if record.target is not None and not isinstance(record.target, str):
            return Quarantined("the target is not text", record.where, str(record.target)[:MAX_EXCERPT_CHARS])
        cleaned = cleaner.clean(record)
        if not isinstance(cleaned, CleanRecord):
            return cleaned
        target = cleaner.answer(record.target or "")
        fits = self.section.min_target_chars <= len(target) <= self.section.max_target_chars
        return cleaned.documents(target if fits else None)

    def split_keys(self, document: Document) -> SplitKeys:
        """The answer decides; a text without answer may be the answer of another document, so its text decides."""
        text = input_key(document)
        if document.target is None:
            return SplitKeys(text, reasons=("known_answer", "known_input"))
        return SplitKeys(comparison_key(document.target), text, ("known_answer", "known_input"))

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
            BadInput: no document has an answer.
        """
        if not self.answers:
            least, most = self.section.min_target_chars, self.section.max_target_chars
            raise BadInput(
                "no record has a usable target",
                f"targets of {least} to {most} characters",
                "check data.source.columns.target, task.min_target_chars and task.max_target_chars",
            )
        return {}
