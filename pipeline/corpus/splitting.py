"""Which split a document belongs to: a salted hash decides, so adding or removing other documents moves none.

The hash is over the comparison key of the answer: the target or, without a target, the text. Documents with equal answers therefore
get the same split, and so does a text that only states the answer of a test document.

The salted hash of its name decides whether a whole group is held out. A held-out document may have an answer that training also sees
in another group ("Return a string representation."). Such a document is dropped from the held-out split and counted as filtered. If
it were dropped from training instead, a group that joins the corpus would take documents out of training.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.corpus.normalise import comparison_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.corpus.documents import Document
    from pipeline.recipe.data import Split

TRAIN, VALIDATION, TEST, HELD_OUT = SPLITS = ("train", "validation", "test", "held_out")


class Splitter:
    """Assigns documents to splits, and records the answers of training and validation."""

    def __init__(self, rules: Split) -> None:
        """Start with no answers seen.

        Args:
            rules: salt and shares.
        """
        self.rules = rules
        self._groups: dict[str, bool] = {}
        self._seen_answers: set[bytes] = set()

    def split(self, document: Document) -> str:
        """Name of the split; answers of training and validation are recorded for `with_unseen_answers`."""
        if document.group and self._held_out(document.group):
            return HELD_OUT
        digest = self._digest("document", _answer(document))
        share = _share(digest)
        if share < self.rules.test:
            return TEST
        self._seen_answers.add(digest[:12])
        return VALIDATION if share < self.rules.test + self.rules.validation else TRAIN

    def with_unseen_answers(self, documents: Iterable[Document]) -> list[Document]:
        """The held-out documents whose answer is in neither training nor validation; call it after all documents are split."""
        return [document for document in documents if self._digest("document", _answer(document))[:12] not in self._seen_answers]

    def _held_out(self, group: str) -> bool:
        if group not in self._groups:
            self._groups[group] = _share(self._digest("group", group)) < self.rules.held_out_groups
        return self._groups[group]

    def _digest(self, what: str, value: str) -> bytes:
        return hashlib.sha256(f"{self.rules.salt}\x00{what}\x00{value}".encode()).digest()


def _answer(document: Document) -> str:
    """What a model must not have seen in training."""
    return comparison_key(document.text if document.target is None else document.target)


def _share(digest: bytes) -> float:
    """The first 8 bytes of a digest as a number in [0, 1)."""
    return int.from_bytes(digest[:8]) / 2.0**64
