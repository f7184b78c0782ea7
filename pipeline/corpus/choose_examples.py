"""Which documents of a split are looked at: a sample chosen by a hash, over the whole split.

The choice depends on a hash of seed and id. Two models that are evaluated on one corpus with the same params get exactly the same
examples. When documents join the corpus, most chosen examples stay chosen. Documents are streamed: only chosen ones are held.
"""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer


class Examples(NamedTuple):
    """Documents with their expected answers."""

    documents: Sequence[Document]
    references: Sequence[Answer]


def choose_examples(documents: Iterable[Document], reference: Callable[[Document], Answer], wanted: int, seed: int) -> Examples:
    """At most ``wanted`` of the documents that have a reference, in order of their ids.

    Args:
        documents: all documents of a split.
        reference: the expected answer of a document, or None.
        wanted: how many.
        seed: of the choice.
    """

    def rows() -> Iterator[tuple[bytes, str, Document, Answer]]:
        for document in documents:
            answer = reference(document)
            if answer is not None:
                yield hashlib.sha256(f"{seed}:{document.id}".encode()).digest(), document.id, document, answer

    chosen = sorted(heapq.nsmallest(wanted, rows(), key=lambda row: row[:2]), key=lambda row: row[1])
    return Examples([document for _, _, document, _ in chosen], [answer for *_, answer in chosen])
