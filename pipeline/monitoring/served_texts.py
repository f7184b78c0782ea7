"""The log of what a model was asked: ``served/<model>/<day>/<time>-<server>-<number>.jsonl`` in the store.

Serving processes write it (`pipeline.serving.input_log`), a batch of rows in each object. Keys sort by time, so the newest key that a
look has seen marks what the next one still has to read. A lifecycle rule of the bucket may delete old days.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from pipeline.artifacts.base import CorruptObject, NotFound
from pipeline.monitoring.profile import Text, distinct

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store

ROOT = "served"
OBJECTS = 50
"""Objects that a look reads, at most; they are a random part of the new ones."""


class Window(NamedTuple):
    """Texts that were served since the last look."""

    texts: tuple[str, ...]
    """Different texts, a random part of the new ones."""

    until: str
    """The newest key; empty if there never was one."""

    unreadable: int
    """Lines and objects that could not be read."""


def read_window(store: Store, model: str, after: str, size: int) -> Window:
    """Read the texts of a look.

    Args:
        store: holds the log.
        model: the registered name.
        after: the newest key of the last look.
        size: how many texts are wanted.
    """
    keys = [found.key for found in store.list(f"{ROOT}/{model}/") if found.key > after]
    found: list[Text] = []
    unreadable = 0
    for key in sorted(keys, key=_shuffled)[:OBJECTS]:
        try:
            lines = store.get(key).data.splitlines()
        except (NotFound, CorruptObject):
            unreadable += 1
            continue
        for line in lines:
            text = _parsed(line)
            if text:
                found.append(text)
            else:
                unreadable += 1
    texts = sorted(distinct(found), key=_shuffled)[:size]
    return Window(tuple(texts), max(keys, default=after), unreadable)


def _parsed(line: bytes) -> Text | None:
    try:
        row = json.loads(line)
        text, pair = row["text"], row.get("pair")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Text(text, pair) if isinstance(text, str) and isinstance(pair, str | None) else None


def _shuffled(text: str) -> bytes:
    """An order that has nothing to do with the text, and is the same every time."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
