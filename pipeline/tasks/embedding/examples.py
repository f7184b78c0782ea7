"""Examples of embedding: two texts that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.normalise import comparison_key
from pipeline.errors import BadInput
from pipeline.tasks.base import SplitKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Record
    from pipeline.tasks.embedding.section import Embedding

MAX_EXCERPT_CHARS = 200
PAIR = "pair"
"""The note of a document with a second text."""


class Examples:
    """A text, and a second one, which is also the target: what retrieval should find. Neither text straddles."""

    def __init__(self, section: Embedding) -> None:
        """Start with nothing counted."""
        self.pairs = 0
        self.prose = section.prose

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record; one without a second text keeps its text."""
        second = record.target if record.pair is None else record.pair
        if second is not None and not isinstance(second, str):
            return Quarantined("the second text is not text", record.where, str(second)[:MAX_EXCERPT_CHARS])
        cleaned = cleaner.clean(record._replace(pair=second or None, target=None))
        return cleaned.documents(cleaned.pair) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The first text decides; a document whose second text training knows is dropped from the other splits."""
        also = None if document.pair is None else comparison_key(document.pair)
        return SplitKeys(comparison_key(document.text), also, ("known_input", "known_answer"))

    def note(self, document: Document) -> str | None:
        """Whether there is a second text."""
        return None if document.pair is None else PAIR

    def add(self, note: str | None, split: str) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Count the pairs."""
        self.pairs += note is not None
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:  # noqa: ARG002 - a TaskExamples' signature
        """Nothing to write.

        Raises:
            BadInput: no document has a second text.
        """
        if not self.pairs:
            raise BadInput("no record has a second text", "", "check data.source.columns.pair, or target")
        return {"pairs": self.pairs}
