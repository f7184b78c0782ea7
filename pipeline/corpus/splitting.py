"""Which split a document belongs to: a salted hash of its split key decides, so adding or removing other documents moves none.

The task says what the key is (`pipeline.tasks.base.SplitKeys`): the input for labels, the answer for written answers. A second key
may not straddle either. Documents that share a key with training are dropped from validation, test and held-out, and those that share
one with validation are dropped from test and held-out. They are counted as filtered. Training never loses a document to another split:
otherwise a group that joins the corpus would take documents out of training.

With ``by: input`` the key of the input decides: a text with several written answers stays whole. With ``by: group`` the
group's name decides. The salted hash of its name also decides whether a whole group is held out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.recipe.data import Split
    from pipeline.tasks.base import SplitKeys

TRAIN, VALIDATION, TEST, HELD_OUT = SPLITS = ("train", "validation", "test", "held_out")
TRUSTED = {TRAIN: (), VALIDATION: (TRAIN,), TEST: (TRAIN, VALIDATION), HELD_OUT: (TRAIN, VALIDATION)}
"""Split → the splits whose keys it may not share."""


class Splitter:
    """Assigns documents to splits, and records the keys of training and validation: about 80 bytes of memory each."""

    def __init__(self, rules: Split) -> None:
        """Start with no keys seen.

        Args:
            rules: salt and shares.
        """
        self.rules = rules
        self._groups: dict[str, bool] = {}
        self._seen: dict[str, set[bytes]] = {TRAIN: set(), VALIDATION: set()}

    def split(self, group: str, keys: SplitKeys) -> str:
        """Name of the split. Keys of training and validation are recorded for `known`, whether or not the document is kept there."""
        found = self._split(group, keys.input if self.rules.by == "input" else keys.decides)
        if found in self._seen:
            self._seen[found].update(self._digests(keys))
        return found

    def remember(self, split: str, keys: SplitKeys) -> None:
        """Record the keys of a document that another corpus has in training or validation."""
        self._seen[split].update(self._digests(keys))

    def known(self, split: str, keys: SplitKeys) -> str | None:
        """Why a document is dropped from its split, or None; call it after all documents are split.

        Args:
            split: its split.
            keys: its keys.
        """
        for digest, reason in zip(self._digests(keys), keys.reasons, strict=False):
            if any(digest in self._seen[other] for other in TRUSTED[split]):
                return reason
        return None

    def _split(self, group: str, key: str) -> str:
        if group and self._held_out(group):
            return HELD_OUT
        by_group = group and self.rules.by == "group"
        share = _share(self._digest("whole group", group) if by_group else self._digest("document", key))
        if share < self.rules.test:
            return TEST
        return VALIDATION if share < self.rules.test + self.rules.validation else TRAIN

    def _held_out(self, group: str) -> bool:
        if group not in self._groups:
            self._groups[group] = _share(self._digest("group", group)) < self.rules.held_out_groups
        return self._groups[group]

    def _digests(self, keys: SplitKeys) -> Iterable[bytes]:
        return [self._digest("document", key)[:12] for key in (keys.decides, keys.also) if key is not None]

    def _digest(self, what: str, value: str) -> bytes:
        return hashlib.sha256(f"{self.rules.salt}\x00{what}\x00{value}".encode()).digest()


def _share(digest: bytes) -> float:
    """The first 8 bytes of a digest as a number in [0, 1)."""
    return int.from_bytes(digest[:8]) / 2.0**64
