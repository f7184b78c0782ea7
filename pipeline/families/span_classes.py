"""The classes of a model that marks spans of words: ``B-PER`` begins a span, ``I-PER`` goes on with it; other schemes also mark last and only words."""

from __future__ import annotations

import re

PREFIX = re.compile(r"[BIESLU]-(?=.)")
"""Beginning, inside, end or last, single or unit."""

BEGINNINGS = ("B-", "S-", "U-")

OUTSIDE = "O"


def label_of(name: str) -> str:
    """What the spans of a class are: ``PER`` of ``B-PER``."""
    return PREFIX.sub("", name, count=1) if PREFIX.match(name) else name


def marks_spans(name: str) -> bool:
    """Whether a class is one of such a scheme."""
    return PREFIX.match(name) is not None
