"""Examples of classification: one or two texts, and a label, several labels or a number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.keys import input_key
from pipeline.errors import BadInput
from pipeline.tasks import answers
from pipeline.tasks.base import SplitKeys
from pipeline.tasks.classes import COLUMN, Classes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.tasks.classification.section import Classification


class Examples:
    """Text or two texts → label, labels or number. The input decides the split."""

    def __init__(self, section: Classification) -> None:
        """Start with nothing counted.

        Args:
            section: what an answer is, and the classes if they are fixed.
        """
        self.section = section
        self.prose = section.prose
        self.classes = Classes(section.labels)
        self.numbers: set[str] = set()
        """The first two numbers that differ."""

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record; one without answer keeps its text."""
        try:
            target = None if record.target in (None, "") else self._canonical(record.target)
        except BadInput as error:
            return answers.quarantined(record, error)
        cleaned = cleaner.clean(record)
        return cleaned.documents(target) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The input decides, so every split has documents of every class."""
        return SplitKeys(input_key(document))

    def note(self, document: Document) -> str | None:
        """The answer."""
        return document.target

    def add(self, note: str | None, split: str) -> str | None:
        """Count the classes of a document; one with a class that training does not know is filtered."""
        if note is None:
            return None
        if self.section.answer != "number":
            return self.classes.add(json.loads(note) if self.section.answer == "labels" else [note], split)
        if len(self.numbers) < 2:
            self.numbers.add(note)
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:
        """Check the answers, and write ``labels.json``.

        Returns:
            The counts of `Classes.finish`; nothing for numbers.

        Raises:
            BadInput: no answers, or all the same; a class that occurs once, or more classes than half of the labels.
        """
        if self.section.answer != "number":
            return self.classes.finish(folder, least=1 if self.section.answer == "labels" else 2)
        if len(self.numbers) < 2:
            got = f"the target is always {next(iter(self.numbers))}" if self.numbers else "no record has a number"
            raise BadInput(got, "numbers that differ", COLUMN)
        return {}

    def _canonical(self, value: Any) -> str:  # noqa: ANN401 - any JSON value
        """The answer as text.

        Raises:
            BadInput: the value is no answer to the task, or a label that the section does not list.
        """
        if self.section.answer == "number":
            return repr(answers.number(value))
        found = answers.labels(value) if self.section.answer == "labels" else [answers.label(value)]
        self.classes.check(found)
        return json.dumps(found, ensure_ascii=False) if self.section.answer == "labels" else found[0]
