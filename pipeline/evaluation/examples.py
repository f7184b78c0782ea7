"""Which examples are scored.

The choice depends on a hash of seed and id. Two models that are evaluated on one corpus with the same params get exactly the same
examples. When documents join the corpus, most chosen examples stay chosen.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.corpus.documents import Document


def choose_examples(documents: Iterable[Document], wanted: int, seed: int) -> list[Document]:
    """At most ``wanted`` of the documents that have a target, in order of their ids."""
    paired = [document for document in documents if document.target]
    paired.sort(key=lambda document: (hashlib.sha256(f"{seed}:{document.id}".encode()).digest(), document.id))
    return sorted(paired[:wanted], key=lambda document: document.id)


def examples_digest(examples: Sequence[Document]) -> str:
    """Digest of texts and references: scores of two models may be paired only if it is equal."""
    rows = [[document.id, document.name, document.text, document.target] for document in examples]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
