"""How probable a model finds the references: the basis of loss, perplexity and bits per byte.

The whole reference counts, the end token included, even if training cut targets shorter. Only a family with absolute positions cuts
what its context cannot hold; the bytes of what was cut do not count either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.metrics.base import Likelihood
from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.pass_progress import PassProgress
    from pipeline.models.files import Loaded


CHUNK = 8
"""Batches scored in one call: enough to sort by length, few enough for regular progress."""


def likelihoods(
    loaded: Loaded, documents: Sequence[Document], references: Sequence[str], batch: int, progress: PassProgress
) -> list[Likelihood]:
    """Likelihood of each reference given its document.

    Args:
        loaded: the model.
        documents: what the model reads.
        references: one text for each document.
        batch: examples scored at once.
        progress: gets the number of examples scored so far, and a heartbeat for each batch.
    """
    sources = Answerer(loaded).encode([document.text for document in documents], [document.name for document in documents])
    targets, sizes = _targets(loaded, sources, list(references))
    nats: list[float] = []
    for start in range(0, len(documents), CHUNK * batch):
        part = slice(start, start + CHUNK * batch)
        nats += negative_log_likelihoods(loaded, sources[part], targets[part], batch, progress.beat)
        progress.report(len(nats))
    return [Likelihood(each, len(target), size) for each, target, size in zip(nats, targets, sizes, strict=True)]


def _targets(loaded: Loaded, sources: list[list[int]], texts: list[str]) -> tuple[list[list[int]], list[int]]:
    """Token ids of each target with its end token, and the bytes they stand for."""
    encoded = loaded.tokenizer.encode_batch(texts, add_special_tokens=False)
    targets, sizes = [], []
    for source, text, row in zip(sources, texts, encoded, strict=True):
        target = [*row.ids, loaded.model.specials.eos]
        kept = target[: loaded.model.max_target_tokens(len(source))]
        whole = len(kept) == len(target)
        targets.append(kept)
        sizes.append(len((text if whole else loaded.tokenizer.decode(kept)).encode()))
    return targets, sizes
