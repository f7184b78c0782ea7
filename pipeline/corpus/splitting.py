"""Which split a document belongs to: a salted hash of its split key decides, so adding or removing other documents moves none.

The task says what the key is (`pipeline.tasks.base.SplitKeys`): the input for labels, the answer for written answers. A second key
may not straddle either. Documents that share a key with training are dropped from validation, test and held-out, and those that share
one with validation are dropped from test and held-out. They are counted as filtered. Training never loses a document to another split:
otherwise a group that joins the corpus would take documents out of training.

With a frozen test set (``data.test_source``) no document of the source is in the test split, and ``split.test`` decides nothing.

With ``by: input`` the key of the input decides: a text with several written answers stays whole. With ``by: group`` the
group's name decides. The salted hash of its name also decides whether a whole group is held out.

A split is a number here, its place in `SPLITS`: the documents of a corpus are decided about at once, as arrays.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.recipe.data import Split

TRAIN, VALIDATION, TEST, HELD_OUT = SPLITS = ("train", "validation", "test", "held_out")
IS_TRAIN, IS_VALIDATION, IS_TEST, IS_HELD_OUT = range(4)

DIGEST_BYTES = 12
SHARE_BYTES = 8
"""The first bytes of a digest, which as a number decide the split."""
AT_ONCE = 1 << 16
"""Digests that become numbers at once, which takes three times their memory."""


def key_digest(salt: str, key: str) -> bytes:
    """The salted digest of a key, 12 bytes."""
    return _digest(salt, "document", key)[:DIGEST_BYTES]


def assign_splits(
    rules: Split, groups: NDArray[np.integer], names: Sequence[str], deciding: NDArray[np.uint8], *, frozen: bool = False
) -> NDArray[np.int8]:
    """The split of each document.

    Args:
        rules: salt and shares.
        groups: [documents] place of each document's group in ``names``.
        names: of the groups; the empty name is no group.
        deciding: [documents, 12] digest of the key that decides; not read for a document of a group with ``by: group``.
        frozen: whether the test split comes from elsewhere.

    Returns:
        [documents] places in `SPLITS`.
    """
    shares = _shares(deciding)
    named = np.array([bool(name) for name in names], dtype=np.bool_)
    if rules.by == "group":
        of_group = _shares_of(rules.salt, "whole group", names)
        shares = np.where(named[groups], of_group[groups], shares)
    found = np.full(len(groups), IS_TRAIN, np.int8)
    test = 0.0 if frozen else rules.test
    found[shares < test + rules.validation] = IS_VALIDATION
    found[shares < test] = IS_TEST
    held_out = named & (_shares_of(rules.salt, "group", names) < rules.held_out_groups)
    found[held_out[groups]] = IS_HELD_OUT
    return found


def _shares_of(salt: str, what: str, names: Sequence[str]) -> NDArray[np.float64]:
    digests = b"".join(_digest(salt, what, name)[:DIGEST_BYTES] for name in names)
    return _shares(np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES))


def _shares(digests: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The first 8 bytes of digests as numbers in [0, 1)."""
    found = np.empty(len(digests), np.float64)
    for start in range(0, len(digests), AT_ONCE):
        whole = np.ascontiguousarray(digests[start : start + AT_ONCE, :SHARE_BYTES]).view(">u8")[:, 0]
        found[start : start + AT_ONCE] = whole.astype(np.float64) / 2.0**64
    return found


def _digest(salt: str, what: str, value: str) -> bytes:
    return hashlib.sha256(f"{salt}\x00{what}\x00{value}".encode()).digest()
