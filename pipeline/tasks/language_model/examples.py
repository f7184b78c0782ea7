"""Examples of a language model: texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.keys import input_key
from pipeline.tasks.base import SplitKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.tasks.language_model.section import LanguageModel


class Examples:
    """A text. The text decides the split; a target and a second text are not read."""

    def __init__(self, section: LanguageModel) -> None:
        """Nothing differs between language models."""
        self.prose = section.prose

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record."""
        cleaned = cleaner.clean(record._replace(pair=None, target=None))
        return cleaned.documents(None) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The text decides."""
        return SplitKeys(input_key(document))

    def note(self, document: Document) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing counts."""
        return None

    def add(self, note: str | None, split: str) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to note."""
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to write."""
        return {}
