"""Examples of classification: one or two texts, and a label, several labels or a number.

The file ``labels.json`` of the corpus is a JSON list: the classes in the order of their ids. A corpus of numbers has none.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning import CleanRecord, clean_record
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.errors import BadInput, unknown_name
from pipeline.tasks.base import SplitKeys
from pipeline.tasks.classification import answers
from pipeline.tasks.keys import input_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.documents import Document, Record
    from pipeline.recipe.data import Filter
    from pipeline.tasks.classification.section import Classification

log = logging.getLogger(__name__)

FILE = "labels.json"
NAMED = 5
"""Classes that a message names."""
COLUMN = "check data.source.columns.target"


class Examples:
    """Text or two texts → label, labels or number. The input decides the split."""

    def __init__(self, section: Classification) -> None:
        """Start with nothing counted.

        Args:
            section: what an answer is, and the classes if they are fixed.
        """
        self.section = section
        self.counted: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
        """Documents of each class by split; of numbers, the first two that differ."""

    def document(self, record: Record, rules: Filter) -> Document | Quarantined | str:
        """Clean a record; one without answer keeps its text."""
        try:
            target = None if record.target in (None, "") else self._canonical(record.target)
        except BadInput as error:
            reason = f"{error.got} ({error.fix})" if error.fix else error.got
            return Quarantined(reason, record.where, json.dumps(record.target, ensure_ascii=False))
        cleaned = clean_record(record, rules)
        return cleaned.document(target) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The input decides, so every split has documents of every class."""
        return SplitKeys(input_key(document))

    def add(self, document: Document, split: str) -> str | None:
        """Count the classes of a document; one with a class that training does not know is filtered."""
        if document.target is None:
            return None
        counted = self.counted[split]
        if self.section.answer == "number":
            if len(counted) < 2:
                counted[document.target] += 1
            return None
        found = self._classes(document.target)
        if split != TRAIN and not self.section.labels and not self.counted[TRAIN].keys() >= set(found):
            return "unknown_class"
        counted.update(found)
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:
        """Check the answers, and write ``labels.json``.

        Returns:
            ``classes``, and ``missing_classes_<split>``: classes without an example; nothing for numbers.

        Raises:
            BadInput: no answers, one class or number only, a class that occurs once, or more classes than half of the labels.
        """
        counted = sum(self.counted.values(), Counter[str]())
        if not counted:
            raise BadInput(f"no record has a {'number' if self.section.answer == 'number' else 'label'}", "", COLUMN)
        if len(counted) < 2 and self.section.answer != "labels":
            raise BadInput(f"the target is always {next(iter(counted))!r}", "two classes or numbers", COLUMN)
        if self.section.answer == "number":
            return {}
        classes = list(self.section.labels or sorted(self.counted[TRAIN], key=answers.order))
        _check_frequencies(classes, counted)
        (folder / FILE).write_text(json.dumps(classes, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        missing = {split: [label for label in classes if not self.counted[split][label]] for split in (TRAIN, VALIDATION, TEST)}
        for split, labels in missing.items():
            if labels:
                log.warning("%d of %d classes have no example in the %s split: %s", len(labels), len(classes), split, _some(labels))
        return {"classes": len(classes)} | {f"missing_classes_{split}": len(labels) for split, labels in missing.items()}

    def _canonical(self, value: Any) -> str:  # noqa: ANN401 - any JSON value
        """The answer as text.

        Raises:
            BadInput: the value is no answer to the task, or a label that the section does not list.
        """
        if self.section.answer == "number":
            return repr(answers.number(value))
        found = answers.labels(value) if self.section.answer == "labels" else [answers.label(value)]
        for label in found:
            if self.section.labels and label not in self.section.labels:
                raise unknown_name("label", label, self.section.labels)
        return json.dumps(found, ensure_ascii=False) if self.section.answer == "labels" else found[0]

    def _classes(self, target: str) -> list[str]:
        return json.loads(target) if self.section.answer == "labels" else [target]


def read_labels(corpus: Path) -> list[str]:
    """The classes of a corpus in the order of their ids."""
    labels: list[str] = json.loads((corpus / FILE).read_text(encoding="utf-8"))
    return labels


def _check_frequencies(classes: list[str], counted: Counter[str]) -> None:
    """Refuse targets that are no classes, and classes that cannot be in training and test.

    Raises:
        BadInput: a class that occurs once, or more classes than half of the labels.
    """
    if len(classes) > counted.total() / 2:
        fix = "name a column of labels in data.source.columns.target; numbers are for task.answer: number"
        raise BadInput(f"{len(classes)} classes for {counted.total()} labels", "at least two examples of a class", fix)
    once = [label for label in classes if counted[label] == 1]
    if once:
        got = f"{len(once)} of {len(classes)} classes occur once: {_some(once)}"
        raise BadInput(got, "at least two examples of a class", "add examples, or join rare classes")


def _some(labels: list[str]) -> str:
    """The first labels, for a message."""
    return ", ".join(map(repr, labels[:NAMED])) + (", …" if len(labels) > NAMED else "")
