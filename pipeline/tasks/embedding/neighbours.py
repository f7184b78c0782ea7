"""What the report shows of vectors: which words are near which, and which test texts are near which."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluation.nearest import Near, Nearest
from pipeline.evaluation.systems import MODEL
from pipeline.metrics.words import WORD
from pipeline.tasks.embedding.model import Embedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.choose_examples import Examples
    from pipeline.corpus.documents import Document
    from pipeline.evaluation.results import SplitResult
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.embedding.section import Embedding

WORDS, SHOWN_WORDS, NEAR_WORDS = 3000, 24, 8
"""Words that are compared, the most frequent first; how many are shown, and with how many neighbours each."""

SHOWN_TEXTS, NEAR_TEXTS, EXCERPT = 12, 3, 160
"""Test texts shown, with how many neighbours each; characters of a text."""

MIN_DOCUMENTS = 5
"""A word that fewer documents contain is not compared."""

MAX_SHARE = 0.1
"""A word that more of the documents contain is not compared: such words (the, is) are near to everything."""

BATCH = 256


def nearest_words_and_texts(
    task: Embedding, loaded: Loaded, known: Examples, results: Sequence[SplitResult], progress: Progress
) -> list[Nearest]:
    """Neighbours by the cosine of their vectors.

    Args:
        task: the recipe's section.
        loaded: the evaluated model.
        known: training documents, whose words are compared.
        results: the scored splits, whose texts are compared.
        progress: gets a heartbeat for each batch.
    """
    words = frequent_words(known.documents)
    found = Embedder(task).vectors(loaded, words, BATCH, progress)
    near_words = Nearest(
        "Near words",
        f"Of the {len(words):,} words that most training documents contain, without those that more than {MAX_SHARE:.0%} of them "
        "contain: some words, evenly spread from frequent to rare, with those whose vectors are nearest, by cosine.",
        neighbours(words, found, spread(len(words), SHOWN_WORDS), NEAR_WORDS),
    )
    return [*([near_words] if words else []), *(_near_texts(result) for result in results)]


def frequent_words(documents: Sequence[Document]) -> list[str]:
    """The words that most documents contain, except those above `MAX_SHARE`; most frequent first, then by alphabet."""
    counts: Counter[str] = Counter()
    for document in documents:
        both = f"{document.text}\n{document.pair or ''}".lower()
        counts.update({word for word in WORD.findall(both) if not word.isdecimal()})
    most = max(MIN_DOCUMENTS, MAX_SHARE * len(documents))
    kept = [word for word, count in counts.items() if MIN_DOCUMENTS <= count <= most]
    return sorted(kept, key=lambda word: (-counts[word], word))[:WORDS]


def spread(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of ``count`` places, evenly spread: of words by rank, so that frequent and rare ones are shown."""
    shown = min(count, wanted)
    return [index * count // shown for index in range(shown)]


def neighbours(texts: Sequence[str], vectors: NDArray[np.float32], chosen: Sequence[int], wanted: int) -> list[tuple[str, list[Near]]]:
    """The nearest texts of each chosen text, itself and equal texts aside.

    Args:
        texts: what the vectors are of.
        vectors: [texts, D] of length 1.
        chosen: indices of texts.
        wanted: neighbours of each.
    """
    rows = []
    for index in chosen:
        similar = vectors @ vectors[index]
        order = np.argsort(-similar, kind="stable")
        near = [other for other in order.tolist() if texts[other] != texts[index]][:wanted]
        rows.append((texts[index], [Near(texts[other], round(float(similar[other]), 3)) for other in near]))
    return rows


def _near_texts(result: SplitResult) -> Nearest:
    """The nearest other texts of the same split."""
    said = result.predictions[MODEL]
    vectors = np.array([prediction.numbers for prediction in said], dtype=np.float32)
    texts = [_excerpt(document.text) for document in result.examples.documents]
    title = f"Near texts, {result.split.replace('_', ' ')} split"
    caption = f"Some texts, evenly spread over the split, with the nearest of its other {len(texts) - 1:,} texts, by cosine."
    return Nearest(title, caption, neighbours(texts, vectors, spread(len(texts), SHOWN_TEXTS), NEAR_TEXTS))


def _excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[:EXCERPT].rstrip() + " …"
