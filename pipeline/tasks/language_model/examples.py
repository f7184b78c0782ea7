"""Examples of a language model: texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.tasks.inputs_only import InputsOnly

if TYPE_CHECKING:
    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.tasks.language_model.section import LanguageModel


class Examples(InputsOnly):
    """A text. The text decides the split; a target and a second text are not read."""

    def __init__(self, section: LanguageModel) -> None:
        """Nothing differs between language models."""
        self.prose = section.prose

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record."""
        cleaned = cleaner.clean(record._replace(pair=None, target=None))
        return cleaned.documents(None) if isinstance(cleaned, CleanRecord) else cleaned
