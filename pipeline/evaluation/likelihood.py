"""Likelihood of the references: loss, perplexity, bits per byte of the targets given the sources.

The whole reference counts, the end token included, even if training cut targets shorter. Only a family with absolute positions cuts
what its context cannot hold; the bytes of what was cut do not count either. Loss and perplexity are per token, so they cannot be
compared across tokenizers. Bits per byte divides by the UTF-8 bytes of the reference instead, so it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.pass_progress import PassProgress
    from pipeline.models.files import Loaded


CHUNK = 8
"""Batches scored in one call: enough to sort by length, few enough for regular progress."""


@dataclass(frozen=True)
class Likelihood:
    """One row for each example."""

    nats: NDArray[np.float64]
    """Negative log-likelihood of the reference, in nats."""

    tokens: NDArray[np.float64]
    """Tokens it was summed over."""

    bytes: NDArray[np.float64]
    """UTF-8 bytes these tokens stand for."""

    def part(self, rows: slice) -> Likelihood:
        """The rows of some examples."""
        return Likelihood(self.nats[rows], self.tokens[rows], self.bytes[rows])


def likelihood(loaded: Loaded, examples: Sequence[Document], batch: int, progress: PassProgress) -> Likelihood:
    """Score each example's target given its source.

    Args:
        loaded: the model.
        examples: documents with a target.
        batch: examples scored at once.
        progress: gets the number of examples scored so far, and a heartbeat for each batch.
    """
    sources = Answerer(loaded).encode([document.text for document in examples], [document.name for document in examples])
    targets, sizes = _targets(loaded, sources, [document.target or "" for document in examples])
    nats: list[float] = []
    for start in range(0, len(examples), CHUNK * batch):
        part = slice(start, start + CHUNK * batch)
        nats += negative_log_likelihoods(loaded, sources[part], targets[part], batch, progress.beat)
        progress.report(len(nats))
    return Likelihood(np.array(nats), np.array([len(target) for target in targets], dtype=np.float64), np.array(sizes, dtype=np.float64))


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
