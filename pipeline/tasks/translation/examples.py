"""Examples of translation. With several target languages the pair of a document names that of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.normalise import comparison_key
from pipeline.tasks.base import SplitKeys
from pipeline.tasks.written.examples import WrittenExamples

if TYPE_CHECKING:
    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Record
    from pipeline.tasks.translation.section import Translation


class Examples(WrittenExamples):
    """Text → text in another language."""

    def __init__(self, section: Translation) -> None:
        """Take limits and languages of the recipe."""
        super().__init__(section)
        self._languages = section.target_languages

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record, and check its language."""
        if self._languages is not None and record.pair not in self._languages:
            reason = "no target language" if record.pair is None else f"task.target_languages lacks {record.pair!r}"
            return Quarantined(reason, record.where, str(record.target))
        return super().document(record, cleaner)

    def split_keys(self, document: Document) -> SplitKeys:
        """With several languages the text decides, so all its translations are in one split; an answer does not straddle either."""
        if self._languages is None:
            return super().split_keys(document)
        answer = None if document.target is None else comparison_key(document.target)
        return SplitKeys(comparison_key(document.text), answer, ("known_input", "known_answer"))
