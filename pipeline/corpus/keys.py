"""Keys by which documents are split, and found again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.corpus.normalise import comparison_key

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document


def input_key(document: Document) -> str:
    """The comparison key of an input: of its one or two texts, or of the pixels of its image."""
    if document.image is not None:
        return hashlib.sha256(document.image).hexdigest()
    key = comparison_key(document.text)
    return key if document.pair is None else f"{key}\x00{comparison_key(document.pair)}"
