"""Which split a document belongs to: a salted hash decides, so none ever moves when others come or go.

What is hashed is the *key* of the target (casefolded words without punctuation) or, without a target, the key of the text.
Documents whose answers are equal in that sense therefore fall on the same side, and a text that merely states the answer of
a test document falls on the test's side too.

Whole groups are held out by the salted hash of their name. A held-out document may have an answer that training also sees
in another group ("Return a string representation."). Such a copy is dropped from the *held-out* side and counted as filtered:
dropping it from the training side instead would let a group that joins the corpus take documents out of training.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.corpus.normalise import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.corpus.documents import Document
    from pipeline.recipe.data import Split

TRAIN, VALIDATION, TEST, HELD_OUT = SPLITS = ("train", "validation", "test", "held_out")


class Splitter:
    """Assigns documents to splits, and remembers which answers training sees."""

    def __init__(self, rules: Split) -> None:
        """Begin with nothing seen.

        Args:
            rules: salt and shares.
        """
        self.rules = rules
        self._groups: dict[str, bool] = {}
        self._taught: set[bytes] = set()

    def split(self, document: Document) -> str:
        """Name of the split; what training or validation gets is remembered for `novel`."""
        if document.group and self._held_out(document.group):
            return HELD_OUT
        digest = self._digest("document", _answer(document))
        share = _share(digest)
        if share < self.rules.test:
            return TEST
        self._taught.add(digest[:12])
        return VALIDATION if share < self.rules.test + self.rules.validation else TRAIN

    def novel(self, documents: Iterable[Document]) -> list[Document]:
        """Those of the held-out documents whose answer neither training nor validation has seen; call it last."""
        return [document for document in documents if self._digest("document", _answer(document))[:12] not in self._taught]

    def _held_out(self, group: str) -> bool:
        if group not in self._groups:
            self._groups[group] = _share(self._digest("group", group)) < self.rules.held_out_groups
        return self._groups[group]

    def _digest(self, what: str, value: str) -> bytes:
        return hashlib.sha256(f"{self.rules.salt}\x00{what}\x00{value}".encode()).digest()


def _answer(document: Document) -> str:
    """What must not be known beforehand."""
    return key(document.text if document.target is None else document.target)


def _share(digest: bytes) -> float:
    """The first 8 bytes of a digest as a number in [0, 1)."""
    return int.from_bytes(digest[:8]) / 2.0**64
