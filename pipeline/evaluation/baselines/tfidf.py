"""TF-IDF vectors of documents, over words of every script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from pipeline.metrics.words import find_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def tfidf_vectors(known_documents: Sequence[Document], asked_documents: Sequence[Document]) -> tuple[Any, Any]:
    """Vectors of known and new documents, in the vocabulary of the known ones; of an input of two texts the words of both.

    Returns:
        Two sparse float32 matrices [documents, vocabulary]; rows have length 1, or 0 for a document without known words.
    """
    known, asked = ([_text(document) for document in documents] for documents in (known_documents, asked_documents))
    vectorizer = TfidfVectorizer(analyzer=find_words, sublinear_tf=True, dtype=np.float32)
    if not any(find_words(text) for text in known):
        return csr_matrix((len(known), 1), dtype=np.float32), csr_matrix((len(asked), 1), dtype=np.float32)
    return vectorizer.fit_transform(known), vectorizer.transform(asked)


def _text(document: Document) -> str:
    return document.text if document.pair is None else f"{document.text}\n{document.pair}"
