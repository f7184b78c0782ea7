"""The identity of the examples that were scored."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.corpus.choose_examples import Examples
    from pipeline.corpus.documents import Document


def examples_digest(examples: Examples) -> str:
    """Digest of texts, images and references: scores of two models may be paired only if it is equal."""
    rows = [
        [document.id, document.group, document.name, document.text, document.pair, reference, *_image(document)]
        for document, reference in zip(examples.documents, examples.references, strict=True)
    ]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _image(document: Document) -> list[str]:
    """Digest of the image, for a document that has one."""
    return [hashlib.sha256(document.image).hexdigest()] if document.image is not None else []
