"""Which tombstones a plan pins with a source: those of the documents that its corpus would hold.

The identity of a corpus covers only these. So a request to forget a document changes the plan of the recipes whose corpus holds it, and of no
other. What is made leaves out the documents of every entry: new data may bring any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.artifacts.manifest import Manifest
    from pipeline.erasure.tombstones import Tombstone
    from pipeline.sources.base import Pin


def leave_out(pin: Pin, entries: Sequence[Tombstone], find: Callable[[Pin], Manifest | None]) -> Pin:
    """The pin of a corpus that holds nothing that is to be forgotten.

    Args:
        pin: the source.
        entries: all entries.
        find: the corpus that the store has for a pin; None if it has none.

    Returns:
        A pin with the entries that concern its corpus. The store has no corpus for it, or a clean one.
    """
    if not entries:
        return pin
    concerned: set[str] = set()
    while True:
        pin = pin.without(tuple(dict.fromkeys(entry.digest for entry in entries if entry.digest in concerned)), entries[-1].number)
        corpus = find(pin)
        new = {entry.digest for entry in entries if corpus and entry.concerns(corpus)} - concerned
        if not new:
            return pin
        concerned |= new
