"""The classes of a corpus: counted for each split, checked, and written in the order of their ids.

The file ``labels.json`` of the corpus is a JSON list of the classes.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.corpus import LABELS
from pipeline.corpus.splitting import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.errors import BadInput, unknown_name
from pipeline.tasks.answers import order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

NAMED = 5
"""Classes that a message names."""
COLUMN = "check data.source.columns.target"


class Classes:
    """Counts classes."""

    def __init__(self, listed: Sequence[str] | None) -> None:
        """Start with nothing counted.

        Args:
            listed: the classes in the order of their ids; None takes those of training, sorted.
        """
        self.listed = listed
        self.counted: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}

    def check(self, labels: Iterable[str]) -> None:
        """Refuse a label that is not listed.

        Raises:
            BadInput: such a label, with the near name.
        """
        for label in labels:
            if self.listed and label not in self.listed:
                raise unknown_name("label", label, self.listed)

    def add(self, labels: Sequence[str], split: str) -> str | None:
        """Count the labels of one document.

        Returns:
            Why the document is filtered: a document outside training has a class that training does not know.
        """
        if split != TRAIN and not self.listed and not self.counted[TRAIN].keys() >= set(labels):
            return "unknown_class"
        self.counted[split].update(labels)
        return None

    def finish(self, folder: Path, *, least: int = 2) -> dict[str, int]:
        """Check the classes, and write ``labels.json``.

        Args:
            folder: folder of the corpus.
            least: how many classes there must be.

        Returns:
            ``classes``, and ``missing_classes_<split>``: classes without an example.

        Raises:
            BadInput: no labels, too few classes, a class that occurs once, or more classes than half of the labels.
        """
        counted = sum(self.counted.values(), Counter[str]())
        if not counted:
            raise BadInput("no record has a label", "", COLUMN)
        if len(counted) < least:
            raise BadInput(f"the target is always {next(iter(counted))!r}", f"at least {least} classes", COLUMN)
        classes = list(self.listed or sorted(self.counted[TRAIN], key=order))
        _check_frequencies(classes, counted)
        (folder / LABELS).write_text(json.dumps(classes, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        missing = {split: [label for label in classes if not self.counted[split][label]] for split in (TRAIN, VALIDATION, TEST)}
        for split, labels in missing.items():
            if labels and self.counted[split]:
                log.warning("%d of %d classes have no example in the %s split: %s", len(labels), len(classes), split, _some(labels))
        return {"classes": len(classes)} | {f"missing_classes_{split}": len(labels) for split, labels in missing.items()}


def read_labels(corpus: Path) -> list[str]:
    """The classes of a corpus in the order of their ids."""
    labels: list[str] = json.loads((corpus / LABELS).read_text(encoding="utf-8"))
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
