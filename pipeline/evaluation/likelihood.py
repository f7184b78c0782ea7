"""How probable a model finds the references: loss, perplexity, bits per byte of the targets given the sources.

The whole reference counts, the end token included, also where training cut targets shorter; only a family with absolute
positions cuts what its context cannot hold, and then the bytes of what was cut do not count either. Loss and perplexity are
per token and say nothing across tokenizers. Bits per byte divides by the UTF-8 bytes of the reference instead, so models
with different tokenizers may be compared by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.models.base import IGNORED, Pairs, Rows, pad
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.models.base import Batch, TextModel
    from pipeline.models.files import Loaded


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
        """Some of the examples."""
        return Likelihood(self.nats[rows], self.tokens[rows], self.bytes[rows])


def likelihood(loaded: Loaded, examples: Sequence[Document], batch: int, told: Callable[[int], None]) -> Likelihood:
    """Score each example's target given its source.

    Args:
        loaded: the model.
        examples: documents with a target.
        batch: examples scored at once.
        told: called after each batch with the number of examples scored so far.
    """
    sources = Answerer(loaded).encode([document.text for document in examples], [document.name for document in examples])
    targets, sizes = _targets(loaded, sources, [document.target or "" for document in examples])
    order = sorted(range(len(examples)), key=lambda index: (len(sources[index]), len(targets[index]), index))
    nats = np.zeros(len(examples))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        nats[chosen] = _score(loaded.model, [sources[index] for index in chosen], [targets[index] for index in chosen])
        told(start + len(chosen))
    return Likelihood(nats, np.array([len(target) for target in targets], dtype=np.float64), np.array(sizes, dtype=np.float64))


def _targets(loaded: Loaded, sources: list[list[int]], texts: list[str]) -> tuple[list[list[int]], list[int]]:
    """Token ids of each target with its end token, and the bytes they stand for."""
    encoded = loaded.tokenizer.encode_batch(texts, add_special_tokens=False)
    targets, sizes = [], []
    for source, text, row in zip(sources, texts, encoded, strict=True):
        target = [*row.ids, loaded.model.specials.eos]
        kept = target[: loaded.model.room(len(source))]
        whole = len(kept) == len(target)
        targets.append(kept)
        sizes.append(len((text if whole else loaded.tokenizer.decode(kept)).encode()))
    return targets, sizes


@torch.inference_mode()
def _score(model: TextModel, sources: list[list[int]], targets: list[list[int]]) -> NDArray[np.float64]:
    """Negative log-likelihood of each target: shape [B]."""
    build = _pairs if model.batches is Pairs else _rows
    batch = build(model, sources, targets).to(next(model.parameters()).device)
    each = model(batch).double().cpu()
    row = torch.repeat_interleave(torch.arange(len(targets)), torch.tensor([len(target) for target in targets]))
    sums: NDArray[np.float64] = torch.zeros(len(targets), dtype=torch.float64).index_add_(0, row, each).numpy()
    return sums


def _pairs(model: TextModel, sources: list[list[int]], targets: list[list[int]]) -> Batch:
    """A batch for an encoder-decoder."""
    return Pairs(pad(sources, max(map(len, sources)), model.specials.pad), pad(targets, max(map(len, targets)), IGNORED))


def _rows(model: TextModel, sources: list[list[int]], targets: list[list[int]]) -> Batch:
    """A batch for a decoder: one document in each row, ``source <sep> target``, labels on the target only."""
    given = [[*source, model.start_id, *target[:-1]] for source, target in zip(sources, targets, strict=True)]
    labels = [[IGNORED] * len(source) + target for source, target in zip(sources, targets, strict=True)]
    length = max(map(len, given))
    return Rows(
        ids_BL=pad(given, length, model.specials.pad),
        document_BL=pad([[1] * len(row) for row in given], length, 0),
        position_BL=pad([list(range(len(row))) for row in given], length, 0),
        labels_BL=pad(labels, length, IGNORED),
        source_BL=pad([[1] * len(source) for source in sources], length, 0).bool(),
    )
